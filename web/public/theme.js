// Before the first paint: the theme that was chosen here, and the words of the language (as in src/i18n) on their way.
document.documentElement.dataset.theme = localStorage.getItem('fitconnect.theme') || 'auto'
{
  const files = document.querySelector('meta[name=words]')?.dataset ?? {}
  const wishes = [new URLSearchParams(location.search).get('lang'), localStorage.getItem('fitconnect.lang'), ...navigator.languages.map((each) => each.slice(0, 2).toLowerCase()), 'ru']
  for (const href of files[wishes.find((each) => files[each])]?.split(' ') ?? []) {
    document.head.append(Object.assign(document.createElement('link'), { rel: 'modulepreload', href }))
  }
}
