import type { Json } from '../log-fields.ts'
import { pairsOf } from './logfmt.ts'
import { pathOf } from './request-text.ts'

const KLOG = /^([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d{6}) +(\d{1,10}) [^\s\]]{1,200}:\d{1,7}\] ?(.*)$/s
const STRUCTURED = /^"((?:[^"\\]|\\.)*)" (.+)$/s
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Reads a line of klog, the logger of Kubernetes. The API server logs its requests with it. */
export function readKlog(line: string): Json | undefined {
  const found = KLOG.exec(line)
  if (found === null) return undefined
  const [, level, month, day, clock, pid, text = ''] = found
  const structured = STRUCTURED.exec(text)
  const pairs: Json = (structured === null ? undefined : pairsOf(structured[2] ?? '')) ?? {}
  return {
    ...pairs,
    ...(pairs['resp'] === undefined ? {} : { status: pairs['resp'], path: pathOf(pairs['URI']) }),
    // A watch lasts until its client has seen enough: how long it took is no latency.
    ...(pairs['verb'] === 'WATCH' ? { latency: undefined } : {}),
    time: `${MONTHS[Number(month) - 1] ?? month} ${day} ${clock}`,
    level,
    pid,
    message: structured?.[1] ?? text,
  }
}
