// The Spanish pages show the same commands, and lead to the same pages, as the English ones.
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { ROOT } from './shop/helpers/processes.ts'

describe.each(['README', 'docs/dashboard'])('%s', (page) => {
  test('leads to the same pages in both languages', async () => {
    const english = pagesOf(await readFile(`${ROOT}/${page}.md`, 'utf8'))
    const spanish = pagesOf(await readFile(`${ROOT}/${page}.es.md`, 'utf8'))
    expect(english.length).toBeGreaterThan(1)
    expect(spanish).toEqual(english)
  })

  test('shows the same code in both languages', async () => {
    const english = codeOf(await readFile(`${ROOT}/${page}.md`, 'utf8'))
    const spanish = codeOf(await readFile(`${ROOT}/${page}.es.md`, 'utf8'))
    expect(english.length).toBeGreaterThan(1)
    expect(spanish).toEqual(english)
  })
})

/** The pages that a page links to, without anchors. A translation counts as its original. */
function pagesOf(text: string): readonly string[] {
  const targets = [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => target)
  return [...new Set(targets.map((target) => target.replace(/\.es\.md$/, '.md')))].toSorted()
}

/** The blocks of code, without their comments. */
function codeOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```\w+\n(.*?)^```/gms)].map(([, code = '']) => code)
  return blocks.map((code) => code.replace(/(^| +)(#|\/\/) .*$/gm, ''))
}
