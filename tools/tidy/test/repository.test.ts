import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { storedFiles, textFiles } from '../repository.ts'

test('lists tracked and addable files; reads no binary file', () => {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'))
  try {
    const git = (...args: string[]): void => void execFileSync('git', args, { cwd: root, stdio: 'ignore' })
    git('init')
    for (const name of ['kept.ts', 'gone.ts', 'ignored.log', 'naïve name.ts', 'picture']) {
      writeFileSync(join(root, name), name === 'picture' ? 'a\0b' : 'text')
    }
    writeFileSync(join(root, '.gitignore'), '*.log\n')
    git('add', 'kept.ts', 'gone.ts')
    rmSync(join(root, 'gone.ts'))
    const stored = storedFiles(root)
    expect(stored.map(({ path }) => path)).toEqual(['.gitignore', 'kept.ts', 'naïve name.ts', 'picture'])
    expect(textFiles(stored, root).map(({ path }) => path)).not.toContain('picture')
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
