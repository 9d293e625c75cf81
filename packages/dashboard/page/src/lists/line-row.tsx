import type { ComponentChildren } from 'preact'
import { f } from '../state/state.ts'
import { classOf } from '../text/status-class.ts'
import { SIGNS } from './signs.ts'

interface LineRowProps {
  /** Milliseconds since 1970; undefined for a line without a time. */
  readonly at: number | undefined
  readonly time: string
  readonly level: string | null | undefined
  readonly service: ComponentChildren
  readonly status: number | undefined
  readonly latencyMs: number | null | undefined
  readonly text: ComponentChildren
  /** Opens the line; undefined if it cannot be opened. */
  readonly open: (() => void) | undefined
}

/** A line of a log in one row. */
export function LineRow({ at, time, level, service, status, latencyMs, text, open }: LineRowProps) {
  const content = (
    <>
      <time dateTime={at === undefined ? undefined : new Date(at).toISOString()}>{time}</time>
      <span class={`level ${level ?? ''}`}>
        <span aria-hidden="true">{SIGNS[level ?? ''] ?? ''}</span> {level ?? ''}
      </span>
      <span class="service">{service}</span>
      <span class={`status ${classOf(status)}`}>{status ?? ''}</span>
      <span class="latency">{latencyMs == null ? '' : f.value.duration(latencyMs)}</span>
      <span class="text">{text}</span>
    </>
  )
  if (open === undefined) return <div class="row">{content}</div>
  return (
    <button type="button" class="row" aria-haspopup="dialog" onClick={open}>
      {content}
    </button>
  )
}
