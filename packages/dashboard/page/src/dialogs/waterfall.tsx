import { useState } from 'preact/hooks'
import { f, t } from '../state/state.ts'
import { classOf } from '../text/status-class.ts'
import type { SpanRow } from './spans.ts'

const SPANS_SHOWN = 30
/** Deeper spans are indented no further, so that their names stay readable. */
const DEPTH_MAX = 8

interface WaterfallProps {
  readonly spans: readonly SpanRow[]
  readonly chosen: string | undefined
  readonly choose: (key: string) => void
}

/** The tree of spans, with a bar for when each ran. A click shows only the lines of that span. */
export function Waterfall({ spans, chosen, choose }: WaterfallProps) {
  const texts = t.value
  const [limit, setLimit] = useState(SPANS_SHOWN)
  const from = Math.min(...spans.map(({ start }) => start))
  const whole = Math.max(...spans.map(({ end }) => end)) - from || 1
  const hasGuesses = spans.some(({ isGuessed }) => isGuessed)
  return (
    <>
      <ul class="waterfall" aria-label={texts.waterfall}>
        {spans.slice(0, limit).map((span) => (
          <li key={span.key}>
            <SpanButton span={span} from={from} whole={whole} isChosen={span.key === chosen} choose={choose} />
          </li>
        ))}
      </ul>
      <p class="quiet waterfall-scale" aria-hidden="true">
        <span>0</span>
        <span>{f.value.duration(whole)}</span>
      </p>
      {spans.length > limit && (
        <button type="button" class="more" onClick={() => setLimit(limit + SPANS_SHOWN * 2)}>
          {texts.more(f.value.count(spans.length - limit))}
        </button>
      )}
      {hasGuesses && <p class="quiet">{texts.guessed}</p>}
    </>
  )
}

interface SpanButtonProps {
  readonly span: SpanRow
  readonly from: number
  readonly whole: number
  readonly isChosen: boolean
  readonly choose: (key: string) => void
}

function SpanButton({ span, from, whole, isChosen, choose }: SpanButtonProps) {
  const texts = t.value
  const ms = span.end - span.start
  return (
    <button
      type="button"
      class="span-row"
      title={`${span.service} ${span.name}`}
      aria-pressed={isChosen}
      onClick={() => choose(span.key)}
    >
      <span class="span-name" style={{ paddingLeft: `${Math.min(span.depth, DEPTH_MAX) * 16}px` }}>
        {span.depth > 0 && <span aria-hidden="true">└ </span>}
        {span.depth > 0 && <span class="visually-hidden">{texts.depth(f.value.count(span.depth))}</span>}
        <span class="span-what">
          <strong>{span.service}</strong> <span class="quiet">{span.name}</span>
        </span>
        {span.isGuessed && <span class="quiet">~</span>}
        {span.attempt !== undefined && <span class="again">↻ {texts.retry(f.value.count(span.attempt - 1))}</span>}
      </span>
      <span class={`status ${classOf(span.status)}`}>{span.status ?? (span.isFailed ? '✕' : '')}</span>
      <span class="track" aria-hidden="true">
        <span
          class={`span ${span.status === undefined && span.isFailed ? 'server' : classOf(span.status)}`}
          style={{
            marginLeft: `${((span.start - from) / whole) * 100}%`,
            width: `${Math.max(0.5, (ms / whole) * 100)}%`,
          }}
        />
      </span>
      <span class="span-ms">{f.value.duration(ms)}</span>
    </button>
  )
}
