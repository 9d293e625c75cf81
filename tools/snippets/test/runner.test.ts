import { expect, test } from 'vitest'
import { SnippetRunner } from '../runner.ts'

test('reports compile errors, failures and timeouts, and accepts a correct snippet', async () => {
  const runner = new SnippetRunner({ runMaxMs: 5_000 })
  const snippet = (code: string) => ({ path: 'docs/a.md', line: 7, code })
  try {
    const [right, wrongType, noSuchName, throws, rejects, endless, hangs] = await runner.run([
      snippet(
        "import { shield } from 'escudo'\nconst a: number = await shield('a').run(() => 42)\nif (a !== 42) throw 1\nconsole.log(a)",
      ),
      snippet("import { shield } from 'escudo'\nconst a: string = await shield('a').run(() => 42)"),
      snippet("import { shelter } from 'escudo'\nshelter()"),
      snippet("throw new Error('expected failure')"),
      snippet("void Promise.reject(new Error('uncaught rejection'))"),
      snippet('setInterval(() => {}, 1_000)'),
      snippet('await new Promise(() => {})'),
    ])
    expect(right).toEqual({ compilerErrors: [], failure: undefined, output: '42\n' })
    // The snippet starts in line 7 of the document, so its second line is 8.
    expect(wrongType?.compilerErrors[0]).toMatch(/\(8,7\): error TS2322/)
    expect(noSuchName?.compilerErrors[0]).toContain('TS2305')
    expect(noSuchName?.failure).toContain('exit code 1')
    expect(throws).toMatchObject({ compilerErrors: [], failure: expect.stringContaining('expected failure') })
    expect(rejects?.failure).toContain('uncaught rejection')
    expect(endless?.failure).toContain('did not end within 5000 ms')
    expect(hangs?.failure).toContain('exit code 13')
  } finally {
    runner.close()
  }
})
