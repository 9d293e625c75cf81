import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PackedReader } from '../counts/packed.ts'
import { isWhole, readerFrom, withChecksum } from './whole-file.ts'

/** Raise it with every change of what is stored. */
const FORMAT = 5
const ENDING = '.state'
const UNFINISHED = /\.state\.[0-9a-f-]{36}$/
/** The most files that are kept, and the most bytes of all together. The oldest ones go first. */
const FILES_MAX = 20
const BYTES_MAX = 536_870_912
/** An unfinished file that is older was left behind by a process that ended. */
const UNFINISHED_MS_MAX = 600_000
const NAME = 'escudo-dashboard '
const OPTIONS = { mode: 0o600, flag: 'wx' }

/** Tells what is wrong with a stored state. */
export class CacheError extends Error {
  override readonly name = 'CacheError'
}

/**
 * A state in a file: the first line says what follows. A file is only ever replaced as a whole.
 *
 * It is written and read in pieces, since a copy of the whole state would be the most memory that the dashboard ever takes.
 */
export class CacheFile {
  readonly path: string

  /** `key` names what the state is about. */
  constructor(folder: string, key: string) {
    this.path = join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}${ENDING}`)
  }

  /**
   * Reads the stored state with `use`. Returns false if there is none.
   *
   * @throws CacheError if it is damaged, or was written by another version: then `use` was not called
   */
  async read(use: (from: PackedReader) => Promise<void>): Promise<boolean> {
    const file = this.#open()
    if (file === undefined) return false
    try {
      const start = checkedStart(file)
      await use(new PackedReader(readerFrom(file, start)))
      return true
    } finally {
      closeSync(file)
    }
  }

  /** Stores the pieces of a state: the next one is asked for once one is written. Rejects with the error of the file system. */
  async write(pieces: Iterable<Uint8Array>): Promise<void> {
    const folder = dirname(this.path)
    const unfinished = `${this.path}.${randomUUID()}`
    makeFolder(folder)
    try {
      await writeFile(unfinished, withChecksum(withHead(pieces)), OPTIONS)
      await rename(unfinished, this.path)
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {})
      throw error
    }
    prune(folder, this.path)
  }

  /** Stores the pieces of a state before the process ends. Throws the error of the file system. */
  writeNow(pieces: Iterable<Uint8Array>): void {
    const unfinished = `${this.path}.${randomUUID()}`
    makeFolder(dirname(this.path))
    try {
      const file = openSync(unfinished, OPTIONS.flag, OPTIONS.mode)
      try {
        for (const piece of withChecksum(withHead(pieces))) writeFileSync(file, piece)
      } finally {
        closeSync(file)
      }
      renameSync(unfinished, this.path)
    } catch (error) {
      rmSync(unfinished, { force: true })
      throw error
    }
  }

  #open(): number | undefined {
    try {
      return openSync(this.path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new CacheError((error as Error).message)
    }
  }

  /** Removes the stored state. */
  remove(): void {
    try {
      rmSync(this.path, { force: true })
    } catch {
      // What cannot be removed is ignored again next time.
    }
  }
}

/** Makes a folder and those above it. The recursive `mkdir` of Node never ends where none can be made, such as in `/proc`. */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process may have made it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** What is stored differs between versions of the dashboard, and the structures of V8 between its versions. */
function versionOf(): string {
  return `${NAME}${FORMAT} ${packageVersion()} v8-${process.versions.v8.split('.', 2).join('.')}\n`
}

function packageVersion(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    return String((JSON.parse(text) as { version?: unknown }).version)
  } catch {
    return 'none'
  }
}

function* withHead(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield Buffer.from(versionOf())
  yield* pieces
}

/** Checks a whole file. Returns where the state begins. */
function checkedStart(file: number): number {
  const wanted = versionOf()
  const bytes = Buffer.alloc(wanted.length)
  let isWholeFile: boolean
  try {
    readSync(file, bytes, 0, bytes.length, 0)
    isWholeFile = isWhole(file)
  } catch (error) {
    throw new CacheError((error as Error).message)
  }
  const head = bytes.toString('latin1')
  if (head !== wanted && head.startsWith(NAME)) throw new CacheError('it is of another version')
  if (head !== wanted || !isWholeFile) throw new CacheError('it is damaged')
  return wanted.length
}

/** Removes old states, and what processes left behind that ended while they wrote. */
function prune(folder: string, current: string): void {
  try {
    const files = readdirSync(folder)
      .filter((name) => name.endsWith(ENDING) || UNFINISHED.test(name))
      .map((name) => ({ path: join(folder, name), stats: statSync(join(folder, name), { throwIfNoEntry: false }) }))
      .sort((a, b) => (b.stats?.mtimeMs ?? 0) - (a.stats?.mtimeMs ?? 0))
    let [count, bytes] = [0, 0]
    for (const { path, stats } of files) {
      if (stats === undefined) continue
      const isUnfinished = !path.endsWith(ENDING)
      if (isUnfinished && Date.now() - stats.mtimeMs < UNFINISHED_MS_MAX) continue
      if (!isUnfinished) {
        count += 1
        bytes += stats.size
      }
      if (path !== current && (isUnfinished || count > FILES_MAX || bytes > BYTES_MAX)) rmSync(path, { force: true })
    }
  } catch {
    // Another process removed one of them: the next one prunes.
  }
}
