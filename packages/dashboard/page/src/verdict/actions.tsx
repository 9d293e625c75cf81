import type { Parts } from '../../../src/report/view.ts'
import { choose, service } from '../state/selection.ts'
import { f, openTrace, t } from '../state/state.ts'

/** What to look at next: the newest trace of the cause, all its errors, and the files that were not understood. */
export function Actions({ data }: { readonly data: Parts }) {
  const texts = t.value
  const { health, causes, sources } = data
  const cause = health.cause?.service
  const [newest] = causes
  const traceId = newest?.traceId
  if (cause === undefined && sources.troubled === 0) return null
  return (
    <p class="actions">
      {newest !== undefined && traceId !== undefined && (
        <button
          type="button"
          class="strong"
          aria-haspopup="dialog"
          data-action="trace"
          onClick={() => (openTrace.value = traceId)}
        >
          {texts.latestTrace(f.value.clock(newest.at))}
        </button>
      )}
      {cause !== undefined && (
        <button type="button" data-action="service" onClick={() => showService(cause, newest !== undefined)}>
          {newest === undefined ? texts.onlyThis(cause) : texts.allErrorsOf(cause)}
        </button>
      )}
      {sources.troubled > 0 && (
        <button type="button" data-action="sources" onClick={() => goTo('sources')}>
          {texts.troubledFiles(f.value.count(sources.troubled), f.value.count(sources.all))}
        </button>
      )}
    </p>
  )
}

/** Makes the cause the filter of the page, and goes to its errors if it has any. */
function showService(cause: string, hasErrors: boolean): void {
  if (service.peek() !== cause) choose(cause)
  goTo(hasErrors ? 'errors' : 'scope')
}

/** Scrolls to a section and moves the focus there. */
function goTo(id: string): void {
  const section = document.getElementById(id)
  section?.scrollIntoView({ block: 'start' })
  section?.focus({ preventScroll: true })
}
