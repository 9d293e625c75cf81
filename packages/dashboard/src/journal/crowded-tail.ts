import type { Tail } from '../tail/tail.ts'
import { FILES_MAX } from './paths.ts'

/** Says that a directory or a pattern has more files than are read. Without it, they would be missing without a word. */
export class CrowdedTail implements Tail {
  readonly path: string
  readonly state = 'read'
  readonly restarts = 0
  readonly note: string = `too many files: only the ${FILES_MAX} that were changed last are read; name fewer`

  constructor(path: string) {
    this.path = path
  }

  async poll(): Promise<void> {}

  async close(): Promise<void> {}
}
