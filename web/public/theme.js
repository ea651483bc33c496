// Before the first paint: the theme that was chosen here.
document.documentElement.dataset.theme = localStorage.getItem('fitconnect.theme') || 'auto'
