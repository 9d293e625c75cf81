import { reconnect } from '../state/live.ts'
import { connection, f, isPaused, now, parts, t } from '../state/state.ts'

const STALE_MS = 10_000

/**
 * Says in one sentence when what is shown is not what happens now, and offers one thing to do.
 *
 * `withStale` also says that no lines arrive, which is news for a list of lines.
 */
export function Freshness({ withStale = false }: { readonly withStale?: boolean }) {
  const texts = t.value
  const data = parts.value
  if (data === undefined) return null
  const at = f.value.clock(now.value)
  if (isPaused.value) {
    return <Note text={texts.pausedAt(at)} action={texts.resume} act={() => (isPaused.value = false)} />
  }
  if (connection.value === 'lost' || connection.value === 'full') {
    return <Note text={texts.lastNumbers(at)} action={texts.tryNow} act={reconnect} />
  }
  const { newest } = data.progress
  if (!withStale || newest === null || now.value - newest <= STALE_MS || !data.range.isNow || data.range.to < now.value)
    return null
  return <Note text={texts.noNewLines(f.value.rough(now.value - newest))} />
}

interface NoteProps {
  readonly text: string
  readonly action?: string
  readonly act?: () => void
}

function Note({ text, action, act }: NoteProps) {
  return (
    <p class="freshness">
      <span aria-hidden="true">◷</span> {text}{' '}
      {action !== undefined && (
        <button type="button" onClick={act}>
          {action}
        </button>
      )}
    </p>
  )
}
