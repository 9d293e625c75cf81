import { PathTail } from '../tail/path-tail.ts'
import type { Tail } from '../tail/tail.ts'
import { isFolder } from './paths.ts'

/** Whether a tail may be of a folder that can be searched now. */
export function isLeftOver(tail: Tail, argument: string): boolean {
  if (!(tail instanceof PathTail)) return false
  return tail.path === argument || (tail.state === 'unreadable' && isFolder(tail.path))
}
