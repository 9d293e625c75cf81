// Runs the link checker with the repository's configuration on documents with faults.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../tidy/repository.ts'

const PROGRAM = join(ROOT, 'node_modules/markdownlint-cli2/markdownlint-cli2-bin.mjs')
const CONFIG = join(ROOT, '.markdownlint-cli2.jsonc')

function problemsIn(text: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'links-test-'))
  try {
    writeFileSync(join(folder, 'a.md'), `# Here\n\n${text}\n`)
    writeFileSync(join(folder, 'b.md'), '# B\n\n## The bulkhead: inside, or outside?\n\n### ¿Qué hay?\n')
    const { stderr } = spawnSync(process.execPath, [PROGRAM, '--config', CONFIG], { cwd: folder, encoding: 'utf8' })
    return stderr.split('\n').filter((line) => line !== '')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('accepts links to files and headings, and checks no address', () => {
  expect(problemsIn('[b](b.md) [in](b.md#the-bulkhead-inside-or-outside) [q](b.md#qué-hay) [h](#here)')).toEqual([])
  expect(problemsIn('[far](https://example.com/gone.md) [mail](mailto:a@example.com)')).toEqual([])
})

test('reports links to missing files and headings, also in other documents', () => {
  const problems = problemsIn('[c](c.md)\n\n[b](b.md#gone)\n\n[there](#there)')
  expect(problems).toHaveLength(3)
  expect(problems).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^a\.md:3 .*"c\.md" should exist/),
      expect.stringMatching(/^a\.md:5 .*"b\.md#gone" should have a valid fragment/),
      expect.stringMatching(/^a\.md:7.*link-fragments.*"\[there\]\(#there\)"/),
    ]),
  )
})
