import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GENERATED } from '../generated.ts'
import { writeFiles } from '../write-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'escudo-write-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const FILES = { 'a.json': JSON.stringify({ description: GENERATED }), 'b.yml': `# ${GENERATED}\n` }

describe('writing the files', () => {
  it('creates the folder and leaves no temporary file', async () => {
    const inner = join(folder, 'x/y')
    await writeFiles(inner, FILES, false)
    expect((await readdir(inner)).sort()).toEqual(['a.json', 'b.yml'])
    expect(await readFile(join(inner, 'b.yml'), 'utf8')).toBe(FILES['b.yml'])
  })

  it('replaces files that the command wrote', async () => {
    await writeFiles(folder, FILES, false)
    await writeFiles(folder, { ...FILES, 'b.yml': `# ${GENERATED}\nnew\n` }, false)
    expect(await readFile(join(folder, 'b.yml'), 'utf8')).toContain('new')
  })

  it('refuses to replace any other file, and then writes nothing', async () => {
    await writeFile(join(folder, 'b.yml'), 'mine')
    await expect(writeFiles(folder, FILES, false)).rejects.toThrow(
      /b\.yml was not written by this command\. Choose another --out DIR, or replace it with --force/,
    )
    expect(await readdir(folder)).toEqual(['b.yml'])
    expect(await readFile(join(folder, 'b.yml'), 'utf8')).toBe('mine')
  })

  it('replaces any file with force', async () => {
    await writeFile(join(folder, 'b.yml'), 'mine')
    await writeFiles(folder, FILES, true)
    expect(await readFile(join(folder, 'b.yml'), 'utf8')).toBe(FILES['b.yml'])
  })

  it('replaces a link, not the file that it points to', async () => {
    await writeFile(join(folder, 'target'), `# ${GENERATED}`)
    await symlink(join(folder, 'target'), join(folder, 'b.yml'))
    await writeFiles(folder, FILES, false)
    expect(await readFile(join(folder, 'target'), 'utf8')).toBe(`# ${GENERATED}`)
  })

  it('says why it cannot write, without a temporary file', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(writeFiles(join(folder, 'file'), FILES, false)).rejects.toThrow(
      /^cannot write to .*file: (EEXIST|ENOTDIR)/,
    )
    await mkdir(join(folder, 'b.yml'))
    await expect(writeFiles(folder, FILES, false)).rejects.toThrow(/^cannot write to .*: EISDIR/)
    await expect(writeFiles(folder, FILES, true)).rejects.toThrow(/^cannot write to /)
    expect((await readdir(folder)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it.runIf(process.getuid?.() !== 0)('says that a folder is read-only', async () => {
    await chmod(folder, 0o500)
    await expect(writeFiles(folder, FILES, false)).rejects.toThrow(/EACCES/)
  })
})
