import type { ErrorLine } from '../../../src/journal/journal.ts'
import { f, openTrace, parts, t } from '../state/state.ts'
import { classOf } from '../text/status-class.ts'
import { PausableList } from './pausable-list.tsx'

/** Shows errors by code and the latest errors. A click on an error opens its trace. */
export function Errors() {
  const texts = t.value
  const data = parts.value
  if (data === undefined) return null
  const codes = Object.entries(data.summary.by_error_code)
  const kinds = data.summary.by_kind
  return (
    <div class="errors">
      <section class="figure" aria-labelledby="codes-title">
        <h2 id="codes-title">{texts.errorCodes}</h2>
        {codes.length === 0 ? (
          <p class="quiet">{texts.noCodes}</p>
        ) : (
          <>
            <p class="quiet">
              {f.value.count(kinds.technical)} {texts.kinds['technical']} · {f.value.count(kinds.business)}{' '}
              {texts.kinds['business']}
            </p>
            <table class="codes">
              <thead class="visually-hidden">
                <tr>
                  <th scope="col">{texts.code}</th>
                  <th scope="col">{texts.count}</th>
                </tr>
              </thead>
              <tbody>
                {codes.slice(0, 20).map(([code, count]) => (
                  <tr key={code}>
                    <th scope="row">{code}</th>
                    <td>{f.value.count(count)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </>
        )}
      </section>
      <section class="figure">
        <h2 id="latest-title">{texts.latestErrors}</h2>
        {data.errors.length === 0 ? (
          <p class="quiet">{texts.noErrors}</p>
        ) : (
          <PausableList
            items={data.errors}
            keyOf={keyOf}
            label={texts.latestErrors}
            name="latest-errors"
            row={(error) => <ErrorRow error={error} />}
          />
        )}
      </section>
    </div>
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
          {error.fallback === true && ` · ${texts.hidden}`}
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
    error.fallback,
    error.detail,
  ].join('/')
}
