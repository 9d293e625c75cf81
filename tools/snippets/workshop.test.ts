import { expect, test } from 'vitest'
import { Workshop } from './workshop.ts'

test('what does not compile, what fails and what never ends is told; what is right is not', async () => {
  const workshop = new Workshop({ runMaxMs: 1_500 })
  const snippet = (code: string) => ({ path: 'docs/a.md', line: 7, code })
  try {
    const [right, wrongType, noSuchName, throws, rejects, endless, hangs] = await workshop.judge([
      snippet(
        "import { shield } from 'escudo'\nconst a: number = await shield('a').run(() => 42)\nif (a !== 42) throw 1",
      ),
      snippet("import { shield } from 'escudo'\nconst a: string = await shield('a').run(() => 42)"),
      snippet("import { shelter } from 'escudo'\nshelter()"),
      snippet("throw new Error('as it was meant')"),
      snippet("void Promise.reject(new Error('by nobody'))"),
      snippet('setInterval(() => {}, 1_000)'),
      snippet('await new Promise(() => {})'),
    ])
    expect(right).toEqual({ compiler: [], failure: undefined })
    // In the line of the document.
    expect(wrongType?.compiler[0]).toMatch(/\(8,7\): error TS2322/)
    expect(noSuchName?.compiler[0]).toContain('TS2305')
    expect(noSuchName?.failure).toContain('exit code 1')
    expect(throws).toMatchObject({ compiler: [], failure: expect.stringContaining('as it was meant') })
    expect(rejects?.failure).toContain('by nobody')
    expect(endless?.failure).toContain('did not end within 1500 ms')
    expect(hangs?.failure).toContain('exit code 13')
  } finally {
    workshop.close()
  }
})
