import { execFileSync } from 'node:child_process'

/** Which core the measured process gets, and which one the other side. */
export interface Pinning {
  /** The core of the measured process. Undefined if processes cannot be pinned. */
  readonly measured: number | undefined
  /** The core of the other side: the load, or the server of the measured client. */
  readonly other: number | undefined
  /** One sentence for the report. */
  readonly note: string
}

/** Chooses two of the cores that this process may use. */
export function choosePinning(): Pinning {
  const unpinned = (why: string): Pinning => ({
    measured: undefined,
    other: undefined,
    note: `${why}: no process is pinned to a core, so the figures are noisy`,
  })
  let cores: readonly number[]
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const
    cores = parseCores(execFileSync('taskset', ['-cp', String(process.pid)], { encoding: 'utf8', stdio: [...stdio] }))
  } catch {
    return unpinned('taskset is not available')
  }
  const [measured, other] = cores
  if (measured === undefined || other === undefined) return unpinned('fewer than two cores')
  return {
    measured,
    other,
    note: `the measured process is pinned to core ${measured}, the other side to core ${other}`,
  }
}

/** The cores in the answer of `taskset -cp`, for example `pid 7's current affinity list: 0,2-3`. */
export function parseCores(text: string): readonly number[] {
  const list = /: *([\d,-]+)\s*$/.exec(text)?.[1] ?? ''
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number)
    if (from === undefined || to === undefined || range === '') return []
    return Array.from({ length: to - from + 1 }, (_, offset) => from + offset)
  })
}

/** The command line that runs `command` on the core. */
export function onCore(core: number | undefined, command: readonly string[]): readonly string[] {
  return core === undefined ? command : ['taskset', '-c', String(core), ...command]
}
