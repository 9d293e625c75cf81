import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { LaterScript } from '../state/script.ts'
import { t } from '../state/state.ts'

interface ScriptProps<T> {
  readonly of: LaterScript<T>
  /** Whether it may be loaded already. */
  readonly isWanted?: boolean
  readonly children: (script: T) => ComponentChildren
}

/** Shows what another script draws, once it is loaded. */
export function Script<T>({ of: { loaded, load }, isWanted = true, children }: ScriptProps<T>) {
  useEffect(() => {
    if (isWanted) load()
  }, [isWanted])
  const script = loaded.value
  if (script === undefined) return <p aria-busy="true">{t.value.loading}</p>
  if (script !== 'failed') return <>{children(script as T)}</>
  return (
    <p role="alert">
      {t.value.traceFailed}{' '}
      <button type="button" onClick={load}>
        {t.value.tryNow}
      </button>
    </p>
  )
}
