import { useState } from 'preact/hooks'
import type { LineFacts } from '../../../src/report/line-facts.ts'
import { withField } from '../../../src/search/query.ts'
import { SIGNS } from '../lists/signs.ts'
import { f, filter, t } from '../state/state.ts'
import { classOf } from '../text/status-class.ts'

/** A longer value is shown, but is no filter. */
const FILTER_CHARACTERS_MAX = 200
const FIELDS_MAX = 200
const DEPTH_MAX = 3

interface LineViewProps {
  readonly facts: LineFacts
  /** Its fields as they were logged. */
  readonly fields: Readonly<Record<string, unknown>>
  /** When the trace began. */
  readonly start: number | undefined
  readonly isOpen: boolean
  readonly close: () => void
}

/** A line of a log in any format: what was recognised, and on request all its fields and its raw text. */
export function LineView({ facts, fields, start, isOpen, close }: LineViewProps) {
  const texts = t.value
  const [isShown, setShown] = useState(isOpen)
  const { at, service, level, event, status, latency_ms, attempt } = facts
  const isRetry = event?.startsWith('retry.') === true || (attempt ?? 1) > 1
  return (
    <>
      <p class="line-head">
        {at !== null && (
          <time dateTime={new Date(at).toISOString()} title={f.value.day(at)}>
            {f.value.clockExact(at)}
            {start !== undefined && at > start && <span class="offset"> +{f.value.duration(at - start)}</span>}
          </time>
        )}
        <FilterButton name="service" value={service} close={close} />
        {level !== undefined && (
          <span class={`level ${level}`}>
            <span aria-hidden="true">{SIGNS[level] ?? ''}</span> {level}
          </span>
        )}
        {status !== undefined && <span class={`status ${classOf(status)}`}>{status}</span>}
        {event !== undefined && <strong>{event}</strong>}
        {isRetry && (
          <span class="again">↻ {attempt === undefined ? texts.retryLine : texts.attempt(f.value.count(attempt))}</span>
        )}
        {latency_ms !== undefined && <span class="quiet">{f.value.duration(latency_ms)}</span>}
      </p>
      <p class="details">{detailsOf(facts, fields).join(' · ')}</p>
      <details open={isShown} onToggle={(toggle) => setShown(toggle.currentTarget.open)}>
        <summary>{texts.fields}</summary>
        {isShown && <Fields facts={facts} fields={fields} close={close} />}
      </details>
    </>
  )
}

function detailsOf(facts: LineFacts, fields: Readonly<Record<string, unknown>>): readonly string[] {
  const { method, path, error_code, message } = facts
  const extra = ['shield', 'policy', 'from', 'to']
    .map((name) => fields[name])
    .filter((value) => typeof value === 'string')
  return [method, path, ...extra, error_code, message].filter((part) => part !== undefined && part !== '') as string[]
}

function Fields({ facts, fields, close }: Pick<LineViewProps, 'facts' | 'fields' | 'close'>) {
  const texts = t.value
  const rows = flat(fields)
  return (
    <>
      <dl class="fields">
        {rows.slice(0, FIELDS_MAX).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value.length > FILTER_CHARACTERS_MAX || value === '' ? (
                value
              ) : (
                <FilterButton name={name} value={value} close={close} />
              )}
            </dd>
          </div>
        ))}
      </dl>
      {rows.length > FIELDS_MAX && <p class="quiet">{texts.moreInRaw(f.value.count(rows.length - FIELDS_MAX))}</p>}
      <p class="quiet raw-title">{texts.raw(facts.format, facts.file)}</p>
      <pre class="raw">{facts.raw}</pre>
    </>
  )
}

interface FilterButtonProps {
  readonly name: string
  readonly value: string
  readonly close: () => void
}

/** A value that becomes a filter of the live tail. */
function FilterButton({ name, value, close }: FilterButtonProps) {
  const label = t.value.filterBy(`${name}: ${value}`)
  return (
    <button
      type="button"
      class="field-value"
      title={label}
      aria-label={label}
      onClick={() => {
        filter.value = withField(filter.peek(), name, value)
        // A dialog that closes returns the focus first.
        const focus = (): void => document.getElementById('filter')?.focus()
        document.querySelector('dialog[open]')?.addEventListener('close', focus, { once: true })
        close()
      }}
    >
      {value}
    </button>
  )
}

/** Returns the fields of nested objects under names with dots, as filters name them. */
function flat(
  fields: Readonly<Record<string, unknown>>,
  prefix = '',
  depth = 0,
): readonly (readonly [string, string])[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (isObject && depth < DEPTH_MAX && Object.keys(value).length > 0)
      return flat(value as Readonly<Record<string, unknown>>, `${prefix}${name}.`, depth + 1)
    return [[prefix + name, textOf(value)] as const]
  })
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined ? '' : JSON.stringify(value)
}
