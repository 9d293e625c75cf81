import type { ErrorLine } from '../../../src/journal/journal.ts'
import { f, openTrace, parts, t } from '../state/state.ts'
import { classOf } from '../text/status-class.ts'
import { PausableList } from './pausable-list.tsx'

/** Shows the latest errors one by one. A click on an error opens its trace. */
export function LatestErrors() {
  const texts = t.value
  const errors = parts.value?.errors ?? []
  if (errors.length === 0) return <p class="quiet">{texts.noCodes}</p>
  return (
    <PausableList
      items={errors}
      keyOf={keyOf}
      label={texts.latestErrors}
      name="latest-errors"
      row={(error) => <ErrorRow error={error} />}
    />
  )
}

function ErrorRow({ error }: { readonly error: ErrorLine }) {
  const texts = t.value
  const content = (
    <>
      <time dateTime={new Date(error.at).toISOString()}>{f.value.clock(error.at)}</time>
      <span class={`status ${classOf(error.status)}`}>{error.status ?? '!'}</span>
      <span class="what">
        <strong>{error.code ?? (error.status === undefined ? error.service : `HTTP ${error.status}`)}</strong>{' '}
        <span class="quiet">
          {texts.kinds[error.kind] ?? error.kind}
          {error.isHidden && ` · ${texts.hidden}`}
        </span>
        <span class="detail">{[error.service, error.path, error.detail].filter((part) => part).join(' · ')}</span>
      </span>
    </>
  )
  const { traceId } = error
  if (traceId === undefined) return <div class="row">{content}</div>
  return (
    <button type="button" class="row" aria-haspopup="dialog" onClick={() => (openTrace.value = traceId)}>
      {content}
    </button>
  )
}

function keyOf(error: ErrorLine): string {
  return [
    error.at,
    error.service,
    error.traceId,
    error.spanId,
    error.status,
    error.code,
    error.isHidden,
    error.detail,
  ].join('/')
}
