// axe-core on the page as it is now: each violation as a sentence.

import axe from 'axe-core'

export async function violations(page) {
  await page.evaluate(axe.source)
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return result.violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.length}, first ${nodes[0].target.join(' ')})`)
}
