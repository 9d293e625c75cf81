import { expect, test, vi } from 'vitest'
import type { OpenLog } from '../open-log.ts'
import { Spool } from '../spool.ts'

const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })

function spooled(isStrict: boolean): { readonly spool: Spool; readonly seen: string[]; readonly logs: OpenLog[] } {
  const seen: string[] = []
  const logs: OpenLog[] = []
  const sink = { begin: (log: OpenLog) => void logs.push(log), push: (bytes: Buffer) => void seen.push(String(bytes)) }
  return { spool: new Spool('-', { ...sink, end: () => {} }, isStrict), seen, logs }
}

test('passes on what a full disk does not take, and says so', async () => {
  const { spool, seen, logs } = spooled(false)
  await spool.add(Buffer.from('one\n'))
  const [log] = logs
  expect(spool.note).toBeUndefined()
  if (log !== undefined) vi.spyOn(log.file, 'write').mockRejectedValueOnce(full)
  await spool.add(Buffer.from('two\n'))
  await spool.add(Buffer.from('three\n'))
  expect(seen).toEqual(['one\n', 'two\n', 'three\n'])
  expect(spool.note).toContain('ENOSPC')
  // What is stored stays where it is said to be.
  expect(String(await log?.file.readFile())).toBe('one\n\0\0\0\0three\n')
  await log?.close()
})

test('does not pass on what cannot be stored if its sender can send it again', async () => {
  const { spool, seen, logs } = spooled(true)
  await spool.add(Buffer.from('one\n'))
  const [log] = logs
  if (log !== undefined) vi.spyOn(log.file, 'write').mockRejectedValueOnce(full)
  await expect(spool.add(Buffer.from('two\n'))).rejects.toThrow('ENOSPC')
  expect(seen).toEqual(['one\n'])
  await log?.close()
})
