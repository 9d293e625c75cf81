import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { STDIN } from '../tail/path-tail.ts'

/** The most files of one directory or pattern: those that were changed last. */
export const FILES_MAX = 2_000
const DEPTH_MAX = 6
/** The most entries that are looked at: an argument such as `/` must not stop the dashboard. */
const ENTRIES_MAX = 20_000
const WILD = /[*?[\]{}]/

/** The files that an argument of the command line names. */
export interface Expanded {
  readonly paths: readonly string[]
  /** Whether later files may belong to it: it is a directory or a pattern. */
  readonly grows: boolean
  /** Whether there are more files than are read. */
  readonly isCut: boolean
}

/** Returns the files that an argument names: itself, the files of a directory, or those that match a pattern. */
export function expand(argument: string): Expanded {
  if (argument === STDIN) return { paths: [argument], grows: false, isCut: false }
  const stats = statsOf(argument)
  if (stats?.isDirectory() === true) return filesIn(argument, () => true)
  if (stats !== undefined || !WILD.test(argument)) return { paths: [argument], grows: false, isCut: false }
  const pattern = patternOf(argument)
  return filesIn(folderBefore(argument), (path) => pattern.test(path))
}

/** Whether a path is a directory, also one that cannot be read. */
export function isFolder(path: string): boolean {
  return statsOf(path)?.isDirectory() === true
}

/** Whether a file that appears later is a compressed copy of one that was read already: log rotation makes them. */
export function isCompressed(path: string): boolean {
  return /\.(?:gz|zst|bz2|xz|zip)$/i.test(path)
}

function filesIn(folder: string, isWanted: (path: string) => boolean): Expanded {
  const found: string[] = []
  let entries = 0
  const visit = (current: string, depth: number): void => {
    const listed = entriesOf(current)
    // It is a source that cannot be read. Without it, its files would be missing without a word.
    if (listed === undefined) found.push(current)
    for (const entry of listed ?? []) {
      entries += 1
      if (entries > ENTRIES_MAX) return
      if (entry.name.startsWith('.')) continue
      const path = join(current, entry.name)
      // A link to a directory is not followed: it could lead back.
      if (entry.isDirectory()) {
        if (depth < DEPTH_MAX) visit(path, depth + 1)
      } else if (isWanted(path) && isFile(entry, path)) found.push(path)
    }
  }
  visit(folder, 0)
  const isCut = found.length > FILES_MAX || entries > ENTRIES_MAX
  return { paths: (found.length > FILES_MAX ? newestOf(found) : found).sort(), grows: true, isCut }
}

/** The files that were changed last. Names do not tell it: services rotate by date, by number or not at all. */
function newestOf(paths: readonly string[]): string[] {
  const dated = paths.map((path) => ({ path, changedMs: statsOf(path)?.mtimeMs ?? 0 }))
  dated.sort((a, b) => b.changedMs - a.changedMs)
  return dated.slice(0, FILES_MAX).map(({ path }) => path)
}

/** The entries of a folder; undefined if it is there and cannot be read. */
function entriesOf(folder: string): readonly Dirent[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? [] : undefined
  }
}

/** Undefined for what is not there or cannot be looked at, such as a link to itself. Reading it says which. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function isFile(entry: Dirent, path: string): boolean {
  if (entry.isFile() || entry.isFIFO()) return true
  return entry.isSymbolicLink() && statsOf(path)?.isFile() === true
}

/** The folder before the first wildcard. */
function folderBefore(pattern: string): string {
  let folder = dirname(pattern)
  while (WILD.test(folder)) folder = dirname(folder)
  return folder
}

/** Translates `*`, `**`, `?`, `[…]` and `{a,b}`. */
function patternOf(glob: string): RegExp {
  const path = join(dirname(glob), basename(glob))
  let source = ''
  let braces = 0
  for (let at = 0; at < path.length; at += 1) {
    const character = path.charAt(at)
    if (character === '*' && path.startsWith(`**${sep}`, at)) {
      source += `(?:[^/]+/)*`
      at += 2
    } else if (character === '*') {
      source += '[^/]*'
      while (path.charAt(at + 1) === '*') at += 1
    } else if (character === '?') source += '[^/]'
    else if (character === '[' && /^\[!?[^\]/]{1,100}\]/.test(path.slice(at))) {
      const end = path.indexOf(']', at + 1)
      const inner = path
        .slice(at + 1, end)
        .replace(/^!/, '^')
        .replace(/[\\[]/g, '\\$&')
      source += `[${inner}]`
      at = end
    } else if (character === '{' && path.includes('}', at)) {
      source += '(?:'
      braces += 1
    } else if (character === '}' && braces > 0) {
      source += ')'
      braces -= 1
    } else if (character === ',' && braces > 0) source += '|'
    else source += character.replace(/[.+^$()|\\{}[\]]/, '\\$&')
  }
  try {
    return new RegExp(`^${source}$`)
  } catch {
    // Not a valid pattern: it matches nothing.
    return /^\b$/
  }
}
