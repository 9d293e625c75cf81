import type { Service } from '../wire/request.ts'
import type { LogReader } from './log-reader.ts'

/** The running shop that the rows check. */
export interface Target {
  readonly ports: Readonly<Record<Service, number>>
  /** Undefined for a service whose log is unknown. */
  readonly logs: Readonly<Partial<Record<Service, LogReader>>>
  /** Returns the process id of a service; undefined if unknown. */
  readonly pid: (service: Service) => Promise<number | undefined>
  /** The control of the shop if this command has started it. */
  readonly own: OwnShop | undefined
}

/** Starts and stops a shop. */
export interface OwnShop {
  readonly env: Readonly<Record<string, string>>
  /** Runs the start script a second time with this extra environment and waits for its end. */
  readonly startAgain: (extra: Readonly<Record<string, string>>) => Promise<Ended>
  /** Stops all processes and waits for the end of the start script. */
  readonly stop: () => Promise<Ended>
  readonly remove: () => Promise<void>
}

/** The exit and the output of a process. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly ms: number
  readonly stdout: string
  readonly stderr: string
}

/** Returns the process id in a readiness answer, if it has a valid one. */
export function pidIn(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null || !('pid' in json)) return undefined
  const { pid } = json
  // `process.kill` sends a signal to a process group for 0 and negative ids.
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 1 && pid !== process.pid ? pid : undefined
}
