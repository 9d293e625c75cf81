import { f, parts, t } from '../state/state.ts'
import { ErrorGroups } from './error-groups.tsx'
import { LatestErrors } from './latest-errors.tsx'

/** Shows the errors of the range: grouped, and one by one. */
export function Errors() {
  const texts = t.value
  const data = parts.value
  if (data === undefined) return null
  const kinds = data.summary.by_kind
  return (
    <div class="errors" id="errors" tabIndex={-1}>
      <section class="figure" aria-labelledby="groups-title">
        <div class="figure-head">
          <h2 id="groups-title">{texts.errorGroups}</h2>
          {kinds.technical + kinds.business > 0 && (
            <span class="quiet">
              {texts.requestsByKind(f.value.count(kinds.technical), f.value.count(kinds.business))}
            </span>
          )}
        </div>
        <ErrorGroups />
      </section>
      <section class="figure">
        <h2 id="latest-title">{texts.latestErrors}</h2>
        <LatestErrors />
      </section>
    </div>
  )
}
