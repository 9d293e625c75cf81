import { PathTail } from '../tail/path-tail.ts'
import type { Tail } from '../tail/tail.ts'
import type { FileLog } from './file-log.ts'
import { isFolder } from './paths.ts'

/** Whether a tail may be of a folder that can be searched now. */
export function isLeftOver(tail: Tail, argument: string): boolean {
  if (!(tail instanceof PathTail)) return false
  return tail.path === argument || (tail.state === 'unreadable' && isFolder(tail.path))
}

/** Whether a source may still have lines that were not read: a deleted file that is closed has none. */
export function isThere({ log, tail }: { readonly log: FileLog; readonly tail: Tail }): boolean {
  return tail.state !== 'waiting' || log.facts.read === 0 || log.openLogs.length > 0
}
