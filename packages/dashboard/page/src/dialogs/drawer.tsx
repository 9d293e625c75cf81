import { useEffect, useState } from 'preact/hooks'
import type { Trace } from '../../../src/report/read-trace.ts'
import { f, filter, openTrace, t } from '../state/state.ts'
import { classOf } from '../text/status-class.ts'
import { Dialog } from './dialog.tsx'

type Line = Readonly<Record<string, unknown>>

/** Shows every line of a trace across all services. */
export function Drawer() {
  const id = openTrace.value
  const close = (): void => {
    openTrace.value = undefined
  }
  return (
    <Dialog isOpen={id !== undefined} title={t.value.trace} name="drawer" onClose={close}>
      {id !== undefined && <TraceOf key={id} id={id} close={close} />}
    </Dialog>
  )
}

function TraceOf({ id, close }: { readonly id: string; readonly close: () => void }) {
  const texts = t.value
  const [trace, setTrace] = useState<Trace | 'missing' | undefined>()
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    const abort = new AbortController()
    fetch(`/api/traces/${encodeURIComponent(id)}`, { signal: abort.signal })
      .then(async (response) => setTrace(response.ok ? ((await response.json()) as Trace) : 'missing'))
      .catch(() => abort.signal.aborted || setTrace('missing'))
    return () => abort.abort()
  }, [id])
  const copy = (): void => {
    navigator.clipboard?.writeText(id).then(
      () => setCopied(true),
      () => {},
    )
  }
  return (
    <>
      <p>
        <code class="id">{id}</code>{' '}
        <button type="button" onClick={copy}>
          {isCopied ? texts.copied : texts.copy}
        </button>
      </p>
      {trace === undefined && <p aria-busy="true">{texts.traceLoading}</p>}
      {trace === 'missing' && <p>{texts.traceMissing}</p>}
      {trace !== undefined && trace !== 'missing' && <Lines trace={trace} close={close} />}
    </>
  )
}

function Lines({ trace, close }: { readonly trace: Trace; readonly close: () => void }) {
  const texts = t.value
  const services = [...new Set(trace.lines.map((line) => textOf(line['service'])))]
  const serviceCount = services.length === 1 ? texts.oneService : texts.services(f.value.count(services.length))
  return (
    <>
      <p class="quiet">
        {texts.traceOf(f.value.count(trace.lines.length), serviceCount)} {trace.is_partial && texts.tracePartial}
      </p>
      <Waterfall lines={trace.lines} />
      <ol class="trace-lines">
        {trace.lines.map((line, at) => (
          <li key={at}>
            <TraceLine line={line} close={close} />
          </li>
        ))}
      </ol>
    </>
  )
}

const FIELDS_ALREADY_SHOWN = new Set(['timestamp', 'service', 'event', 'log_level', 'trace_id', 'status_code'])

function TraceLine({ line, close }: { readonly line: Line; readonly close: () => void }) {
  const texts = t.value
  const service = textOf(line['service'])
  const status = typeof line['status_code'] === 'number' ? line['status_code'] : undefined
  const at = Date.parse(textOf(line['timestamp']))
  const details = [
    'method',
    'path',
    'shield',
    'policy',
    'from',
    'to',
    'error_code',
    'detail',
    'attempt',
    'message',
    'msg',
  ]
    .filter((name) => line[name] !== undefined)
    .map((name) => textOf(line[name]))
  return (
    <>
      <p class="line-head">
        <time>{Number.isNaN(at) ? '' : f.value.clockExact(at)}</time>
        <button
          type="button"
          title={texts.filterBy(service)}
          onClick={() => {
            filter.value = service
            close()
          }}
        >
          {service}
        </button>
        <span class={`level ${textOf(line['log_level'])}`}>{textOf(line['log_level'])}</span>
        {status !== undefined && <span class={`status ${classOf(status)}`}>{status}</span>}
        <strong>{textOf(line['event'])}</strong>
        {typeof line['latency_ms'] === 'number' && <span class="quiet">{f.value.duration(line['latency_ms'])}</span>}
      </p>
      {details.length > 0 && <p class="details">{details.join(' · ')}</p>}
      <details>
        <summary>{texts.fields}</summary>
        <dl class="fields">
          {Object.entries(line)
            .filter(([name]) => !FIELDS_ALREADY_SHOWN.has(name))
            .map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{textOf(value)}</dd>
              </div>
            ))}
        </dl>
      </details>
    </>
  )
}

/** Shows when each request of the trace ran, computed from the end time and latency in its line. */
function Waterfall({ lines }: { readonly lines: readonly Line[] }) {
  const spans = lines.flatMap((line) => {
    const end = Date.parse(textOf(line['timestamp']))
    const ms = line['latency_ms']
    if (Number.isNaN(end) || typeof ms !== 'number') return []
    return [
      { start: end - ms, end, ms, service: textOf(line['service']), status: line['status_code'] as number | undefined },
    ]
  })
  if (spans.length === 0) return null
  const from = Math.min(...spans.map(({ start }) => start))
  const whole = Math.max(...spans.map(({ end }) => end)) - from || 1
  return (
    <ul class="waterfall" aria-label={t.value.waterfall}>
      {spans
        .toSorted((a, b) => a.start - b.start)
        .map((span, at) => (
          <li key={at}>
            <span>
              {span.service} <span class="quiet">{f.value.duration(span.ms)}</span>
            </span>
            <span class="track" aria-hidden="true">
              <span
                class={`span ${classOf(span.status)}`}
                style={{
                  marginLeft: `${((span.start - from) / whole) * 100}%`,
                  width: `${Math.max(0.5, (span.ms / whole) * 100)}%`,
                }}
              />
            </span>
          </li>
        ))}
    </ul>
  )
}

/** Returns the value of a field as text. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined ? '' : JSON.stringify(value)
}
