// Words that change with a number: 1 балл, 2 балла, 5 баллов, 21 балл. `#` stands for the number.

export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }

export function pluralIn(locale: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(locale)
  const digits = new Intl.NumberFormat(locale)
  return (count, forms) => (forms[rules.select(count)] ?? forms.other).replace('#', digits.format(count))
}
