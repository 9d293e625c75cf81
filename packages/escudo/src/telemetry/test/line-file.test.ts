import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LineFile, StandardOutput } from '../line-file.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'escudo-lines-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('LineFile', () => {
  test('creates the folder and appends whole lines', () => {
    const path = join(folder, 'a/b/shop.jsonl')
    const file = new LineFile(path)
    file.write('one\n')
    file.write('two\n')
    file.close()
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
  })

  test('throws for a path that cannot be opened', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => new LineFile(join(folder, 'file/shop.jsonl'))).toThrow(/ENOTDIR|EEXIST/)
  })

  test('drops lines while the path cannot be opened again, without an error', () => {
    const path = join(folder, 'logs/shop.jsonl')
    const file = new LineFile(path)
    rmSync(join(folder, 'logs'), { recursive: true })
    writeFileSync(join(folder, 'logs'), '')
    file.reopen()
    file.write('lost\n')
    // Within the next second it does not even try.
    file.write('lost too\n')
    rmSync(join(folder, 'logs'))
    file.reopen()
    file.write('back\n')
    expect(readFileSync(path, 'utf8')).toBe('back\n')
  })

  test('opens the path again if other code closed its descriptor', () => {
    const path = join(folder, 'shop.jsonl')
    const spare = openSync(path, 'a')
    closeSync(spare)
    const file = new LineFile(path)
    // The lowest free descriptor is the one that was just closed.
    closeSync(spare)
    file.write('lost\n')
    file.write('kept\n')
    file.close()
    expect(readFileSync(path, 'utf8')).toBe('kept\n')
  })
})

describe('StandardOutput', () => {
  test('stops writing when its reader has closed the pipe', () => {
    const fd = openSync(join(folder, 'out'), 'a')
    closeSync(fd)
    const output = new StandardOutput(fd)
    output.write('lost\n')
    output.write('lost\n')
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('')
  })

  test('waits once for a stuck reader, then drops lines at once; a dead reader ends the output', async () => {
    const child = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] })
    await once(child, 'spawn')
    const { fd } = (child.stdin as unknown as { _handle: { fd: number } })._handle
    const output = new StandardOutput(fd)
    const line = `${'x'.repeat(300_000)}\n`
    for (let n = 0; n < 5; n += 1) output.write(line)
    const startedMs = performance.now()
    for (let n = 0; n < 1_000; n += 1) output.write('short\n')
    // 1000 lines that waited for the reader would take 100 s.
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    child.kill()
    await once(child, 'exit')
    expect(() => output.write('lost\n')).not.toThrow()
    child.stdin.destroy()
  })
})
