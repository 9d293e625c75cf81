import type { BigIntStats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { identityOf } from '../tail/file-identities.ts'
import { END_BYTES, FORWARD_BYTES_MAX } from '../tail/file-tail.ts'
import { wholeLineStart } from '../tail/line-start.ts'
import { OpenLog } from '../tail/open-log.ts'
import type { FileLogState, LogState } from './file-log-state.ts'

/**
 * Opens the files again that an earlier process read, whatever their names are now.
 *
 * Every line that was counted must still be in one of the files that are named. Otherwise the counts would differ from those of
 * a process that reads all files from their beginning.
 *
 * @param paths the files that are named now
 * @returns the files by their numbers
 * @throws an error that says which file is not as it was read
 */
export async function reopen(
  states: readonly FileLogState[],
  paths: readonly string[],
): Promise<ReadonlyMap<number, OpenLog>> {
  const found = await findAll(paths)
  const logs = new Map<number, OpenLog>()
  try {
    for (const { path, current, rotated, released } of states) {
      for (const { identity, offset } of released)
        if (found.get(identity)?.stats.size !== BigInt(offset))
          throw new Error(`a file of ${path} is gone or has changed`)
      for (const log of rotated) logs.set(log.number, await openAgain(path, log, found, false))
      if (current !== undefined) logs.set(current.number, await openAgain(path, current, found, true))
    }
    return logs
  } catch (error) {
    await Promise.allSettled([...logs.values()].map((log) => log.close()))
    throw error
  }
}

interface Found {
  readonly path: string
  readonly stats: BigIntStats
}

/** The regular files with these names, by their identities. */
async function findAll(paths: readonly string[]): Promise<ReadonlyMap<string, Found>> {
  const found = new Map<string, Found>()
  for (const path of paths) {
    const stats = await stat(path, { bigint: true }).catch(() => undefined)
    if (stats?.isFile() === true && !found.has(identityOf(stats))) found.set(identityOf(stats), { path, stats })
  }
  return found
}

async function openAgain(
  path: string,
  state: LogState,
  found: ReadonlyMap<string, Found>,
  mayGrow: boolean,
): Promise<OpenLog> {
  const named = found.get(state.identity)?.path
  if (named === undefined) throw new Error(`a file of ${path} is gone`)
  const file = await open(named, 'r')
  try {
    const stats = await file.stat({ bigint: true })
    const size = Number(stats.size)
    const isSame = identityOf(stats) === state.identity && (mayGrow ? size >= state.readTo : size === state.readTo)
    if (!isSame || !(await hasBytes(file, 0, state.head)) || !(await hasBytes(file, state.readTo, state.end, true)))
      throw new Error(`${named} has changed`)
    const log = new OpenLog(path, file, ...(await positions(file, size, state)))
    log.identity = state.identity
    log.head = Buffer.from(state.head)
    return log
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Where to go on: what was added since is read from its end first if it is much. */
async function positions(
  file: FileHandle,
  size: number,
  { number, liveFrom, writtenAt, unreadFrom, unreadBefore, readTo }: LogState,
): Promise<readonly [liveFrom: number, writtenAt: number, before: ConstructorParameters<typeof OpenLog>[4]]> {
  // A second section of unread bytes has no place.
  if (size - readTo <= FORWARD_BYTES_MAX || unreadBefore > unreadFrom)
    return [liveFrom, writtenAt, { number, unreadFrom, unreadBefore, readTo }]
  const start = Math.max(readTo, await wholeLineStart(file, size - END_BYTES))
  return [start, writtenAt, { number, unreadFrom: readTo, unreadBefore: start, readTo: start }]
}

/** Whether a file has these bytes at an offset, or before it. */
async function hasBytes(file: FileHandle, at: number, wanted: Uint8Array, isBefore = false): Promise<boolean> {
  const bytes = Buffer.alloc(wanted.length)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, isBefore ? at - bytes.length : at)
  return bytesRead === bytes.length && bytes.equals(wanted)
}
