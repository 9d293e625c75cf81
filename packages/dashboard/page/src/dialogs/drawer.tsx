import { useEffect, useState } from 'preact/hooks'
import type { OneLine } from '../../../src/report/read-line.ts'
import type { Trace } from '../../../src/report/read-trace.ts'
import { openTrace, t } from '../state/state.ts'
import { openLine } from '../state/view.ts'
import { Dialog } from './dialog.tsx'
import { LineView } from './line-view.tsx'
import { TraceView } from './trace-view.tsx'

/** Shows every line of a trace across all services, or a line that belongs to none. */
export function Drawer() {
  const id = openTrace.value
  const line = openLine.value
  const close = (): void => {
    openTrace.value = undefined
    openLine.value = undefined
  }
  const title = id === undefined && line !== undefined ? t.value.line : t.value.trace
  return (
    <Dialog isOpen={id !== undefined || line !== undefined} title={title} name="drawer" onClose={close}>
      {id !== undefined ? (
        <TraceOf key={id} id={id} close={close} />
      ) : (
        line !== undefined && <OneLineOf key={line.join('-')} place={line.join('-')} close={close} />
      )}
    </Dialog>
  )
}

/** What a request for data came to. */
type Loaded<T> = T | 'loading' | 'missing' | 'failed'

/** Loads data for the drawer. `again` repeats the request. */
function useLoaded<T>(path: string): { readonly loaded: Loaded<T>; readonly again: () => void } {
  const [loaded, setLoaded] = useState<Loaded<T>>('loading')
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    const abort = new AbortController()
    setLoaded('loading')
    fetch(path, { signal: abort.signal })
      .then(async (response) => {
        if (response.ok) setLoaded((await response.json()) as T)
        else setLoaded(response.status === 404 || response.status === 400 ? 'missing' : 'failed')
      })
      .catch(() => abort.signal.aborted || setLoaded('failed'))
    return () => abort.abort()
  }, [path, attempt])
  return { loaded, again: () => setAttempt((count) => count + 1) }
}

function TraceOf({ id, close }: { readonly id: string; readonly close: () => void }) {
  const texts = t.value
  const { loaded, again } = useLoaded<Trace>(`api/traces/${encodeURIComponent(id)}?facts=1`)
  return (
    <>
      <Id id={id} />
      {typeof loaded === 'string' ? (
        <State state={loaded} missing={texts.traceMissing} again={again} />
      ) : (
        <TraceView trace={loaded} close={close} />
      )}
    </>
  )
}

function OneLineOf({ place, close }: { readonly place: string; readonly close: () => void }) {
  const texts = t.value
  const { loaded, again } = useLoaded<OneLine>(`api/lines/${place}`)
  if (typeof loaded === 'string') return <State state={loaded} missing={texts.lineMissing} again={again} />
  const { facts, line } = loaded
  return (
    <>
      {facts.trace_id === undefined && <p class="quiet">{texts.withoutTrace}</p>}
      <ol class="trace-lines">
        <li>
          <LineView facts={facts} fields={line} start={undefined} isOpen={true} close={close} />
        </li>
      </ol>
    </>
  )
}

interface StateProps {
  readonly state: 'loading' | 'missing' | 'failed'
  readonly missing: string
  readonly again: () => void
}

/** One sentence about what is not shown, and one thing to do. */
function State({ state, missing, again }: StateProps) {
  const texts = t.value
  if (state === 'loading') return <p aria-busy="true">{texts.traceLoading}</p>
  return (
    <p role="alert">
      {state === 'missing' ? missing : texts.traceFailed}{' '}
      <button type="button" onClick={again}>
        {texts.tryNow}
      </button>
    </p>
  )
}

function Id({ id }: { readonly id: string }) {
  const texts = t.value
  const [isCopied, setCopied] = useState(false)
  const copy = (): void => {
    navigator.clipboard?.writeText(id).then(
      () => setCopied(true),
      () => {},
    )
  }
  return (
    <p>
      <code class="id">{id}</code>{' '}
      <button type="button" onClick={copy}>
        {isCopied ? texts.copied : texts.copy}
      </button>
    </p>
  )
}
