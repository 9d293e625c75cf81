import { useState } from 'preact/hooks'
import type { Trace } from '../../../src/report/read-trace.ts'
import { f, t } from '../state/state.ts'
import { LineView } from './line-view.tsx'
import { spansOf } from './spans.ts'
import { Waterfall } from './waterfall.tsx'

/** How many lines are shown at first, and by each "more". */
const LINES_SHOWN = 100

/** A trace: the tree of its spans with their times, then its lines in order. */
export function TraceView({ trace, close }: { readonly trace: Trace; readonly close: () => void }) {
  const texts = t.value
  const format = f.value
  const [limit, setLimit] = useState(LINES_SHOWN)
  const [span, setSpan] = useState<string | undefined>()
  const facts = trace.facts ?? []
  const spans = spansOf(facts)
  const services = new Set(facts.map(({ service }) => service)).size
  const times = [...facts.flatMap(({ at }) => at ?? []), ...spans.map(({ start }) => start)]
  const start = times.length === 0 ? undefined : Math.min(...times)
  const chosen = spans.find(({ key }) => key === span)
  const positions = chosen?.lines ?? [...facts.keys()]
  return (
    <>
      <p>
        {texts.linesRead(format.count(facts.length))}
        {' · '}
        {texts.services(format.count(services))}
        {start !== undefined && ` · ${format.day(start)} · ${format.duration(Math.max(...times) - start)}`}
      </p>
      {trace.is_partial && <p class="quiet">{texts.tracePartial}</p>}
      {spans.length === 0 ? (
        <p class="quiet">{texts.noSpans}</p>
      ) : (
        <Waterfall spans={spans} chosen={span} choose={(key) => setSpan(key === span ? undefined : key)} />
      )}
      {chosen !== undefined && (
        <p class="chosen-span">
          {texts.linesOf(chosen.service, chosen.name)}{' '}
          <button type="button" onClick={() => setSpan(undefined)}>
            {texts.allLines}
          </button>
        </p>
      )}
      <ol class="trace-lines" aria-label={texts.linesTitle}>
        {positions.slice(0, limit).map((position) => {
          const line = facts[position]
          if (line === undefined) return null
          return (
            <li key={position}>
              <LineView facts={line} fields={trace.lines[position] ?? {}} start={start} isOpen={false} close={close} />
            </li>
          )
        })}
      </ol>
      {positions.length > limit && (
        <button type="button" class="more" onClick={() => setLimit(limit + LINES_SHOWN * 2)}>
          {texts.more(format.count(positions.length - limit))}
        </button>
      )}
    </>
  )
}
