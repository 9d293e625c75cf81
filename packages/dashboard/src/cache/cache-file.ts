import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { deserialize, serialize } from 'node:v8'

/** Raise it with every change of what is stored. */
const FORMAT = 4
const ENDING = '.state'
const UNFINISHED = /\.state\.[0-9a-f-]{36}$/
/** The most files that are kept, and the most bytes of all together. The oldest ones go first. */
const FILES_MAX = 20
const BYTES_MAX = 536_870_912
/** An unfinished file that is older was left behind by a process that ended. */
const UNFINISHED_MS_MAX = 600_000
const NEWLINE = 10
const HEAD_BYTES_MAX = 1_000

/** Tells what is wrong with a stored state. */
export class CacheError extends Error {
  override readonly name = 'CacheError'
}

/** A state in a file: the first line says what follows. A file is only ever replaced as a whole. */
export class CacheFile {
  readonly path: string

  /** `key` names what the state is about. */
  constructor(folder: string, key: string) {
    this.path = join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}${ENDING}`)
  }

  /**
   * Returns the stored state; undefined if there is none.
   *
   * @throws CacheError if it is damaged, or was written by another version
   */
  read(): unknown {
    let bytes: Buffer
    try {
      bytes = readFileSync(this.path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw new CacheError((error as Error).message)
    }
    const end = bytes.subarray(0, HEAD_BYTES_MAX).indexOf(NEWLINE)
    const body = bytes.subarray(end + 1)
    const head = bytes.toString('latin1', 0, Math.max(end, 0))
    if (!head.startsWith(versionOf())) {
      throw new CacheError(head.startsWith('escudo-dashboard ') ? 'it is of another version' : 'it is damaged')
    }
    if (head !== headOf(body)) throw new CacheError('it is damaged')
    try {
      return deserialize(body)
    } catch {
      throw new CacheError('it is damaged')
    }
  }

  /** Stores a state. Rejects with the error of the file system. */
  async write(state: unknown): Promise<void> {
    const body = serialize(state)
    const folder = dirname(this.path)
    const unfinished = `${this.path}.${randomUUID()}`
    makeFolder(folder)
    try {
      await writeFile(unfinished, [Buffer.from(`${headOf(body)}\n`), body], { mode: 0o600, flag: 'wx' })
      await rename(unfinished, this.path)
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {})
      throw error
    }
    prune(folder, this.path)
  }

  /** Stores a state before the process ends. Throws the error of the file system. */
  writeNow(state: unknown): void {
    const body = serialize(state)
    const unfinished = `${this.path}.${randomUUID()}`
    makeFolder(dirname(this.path))
    try {
      writeFileSync(unfinished, Buffer.concat([Buffer.from(`${headOf(body)}\n`), body]), { mode: 0o600, flag: 'wx' })
      renameSync(unfinished, this.path)
    } catch (error) {
      rmSync(unfinished, { force: true })
      throw error
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
  return `escudo-dashboard ${FORMAT} ${packageVersion()} v8-${process.versions.v8.split('.', 2).join('.')} `
}

function packageVersion(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
    return String((JSON.parse(text) as { version?: unknown }).version)
  } catch {
    return 'none'
  }
}

function headOf(body: Buffer): string {
  return `${versionOf()}${body.length} ${createHash('sha256').update(body).digest('hex')}`
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
