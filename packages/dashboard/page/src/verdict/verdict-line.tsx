import { columns, connection, f, isPaused, now, parts, seconds, t } from '../state/state.ts'
import { type Verdict, verdictOf } from './verdict.ts'

const STALE_MS = 10_000
/** The breaker lanes show all of them. */
const BREAKERS_NAMED_MAX = 3

/** States whether there is trouble, where and since when, or what the page waits for. */
export function VerdictLine() {
  const texts = t.value
  const data = parts.value
  if (data === undefined) {
    if (connection.value === 'lost') return <State name="lost" title={texts.lostTitle} text={texts.lostText} />
    return (
      <section class="verdict loading" aria-busy="true">
        <p class="headline">{texts.loading}</p>
      </section>
    )
  }
  const verdict = verdictOf(data, columns.value)
  return (
    <>
      {connection.value === 'lost' && !isPaused.value && (
        <State name="lost" title={texts.lostTitle} text={texts.lostText} />
      )}
      {verdict.state === 'waiting' ? <Waiting /> : <VerdictText verdict={verdict} />}
      <Progress />
    </>
  )
}

function VerdictText({ verdict }: { readonly verdict: Verdict }) {
  const data = parts.value
  if (data === undefined) return null
  const texts = t.value
  const format = f.value
  const { summary, progress, range } = data
  const silentMs = progress.newest === null ? 0 : now.value - progress.newest
  return (
    <section class={`verdict ${verdict.state}`}>
      <p class="headline">
        <span class="sign" aria-hidden="true">
          {{ healthy: '✓', degraded: '▲', failing: '✕', waiting: '○' }[verdict.state]}
        </span>{' '}
        {sentenceOf(verdict)}
        {verdict.breakers.slice(0, BREAKERS_NAMED_MAX).map(({ service, shield, policy, state }) => (
          <span key={`${service}/${shield}/${policy}`}>
            {' '}
            {(state === 'half-open' ? texts.breakerHalfOpen : texts.breakerOpen)(shield || policy, service)}
          </span>
        ))}
      </p>
      <p class="quiet">
        {texts.effect(
          format.count(summary.server_errors),
          format.count(summary.requests),
          format.count(summary.events['fallback'] ?? 0),
        )}
        {verdict.state === 'healthy' &&
          verdict.lastError !== undefined &&
          ` ${texts.recovered(format.clock(verdict.lastError))}`}
        {progress.newest !== null && !range.isNow && ` ${texts.past(format.day(progress.newest))}`}
        {progress.newest !== null && range.isNow && silentMs > STALE_MS && (
          <span class="stale"> {texts.stale(format.rough(silentMs), format.clock(progress.newest))}</span>
        )}
      </p>
    </section>
  )
}

function sentenceOf(verdict: Verdict): string {
  const texts = t.value
  if (verdict.state === 'healthy' && verdict.lastError !== undefined) return texts.calm
  if (verdict.state === 'healthy') return texts.healthy(texts.ranges[seconds.value] ?? '')
  if (verdict.service === undefined || verdict.since === undefined) return texts.failingNow
  return (verdict.state === 'failing' ? texts.failing : texts.degraded)(verdict.service, f.value.clock(verdict.since))
}

function Waiting() {
  const texts = t.value
  const files = parts.value?.summary.files ?? []
  const missing = files.filter(({ state }) => state === 'waiting')
  const unreadable = files.filter(({ state }) => state === 'unreadable')
  return (
    <section class="verdict waiting">
      <p class="headline">
        <span class="sign" aria-hidden="true">
          ○
        </span>{' '}
        {texts.waitingTitle}
      </p>
      <p>{texts.waiting}</p>
      {missing.length > 0 && <Paths label={texts.missing} paths={missing.map(({ path }) => path)} />}
      {unreadable.length > 0 && <Paths label={texts.unreadable} paths={unreadable.map(({ path }) => path)} />}
    </section>
  )
}

function Paths({ label, paths }: { readonly label: string; readonly paths: readonly string[] }) {
  return (
    <p class="quiet paths">
      {label}{' '}
      {paths.map((path) => (
        <code key={path}>{path}</code>
      ))}
    </p>
  )
}

function State({ name, title, text }: { readonly name: string; readonly title: string; readonly text: string }) {
  return (
    <section class={`verdict ${name}`} role="alert">
      <p class="headline">
        <span class="sign" aria-hidden="true">
          ✕
        </span>{' '}
        {title}
      </p>
      <p>{text}</p>
    </section>
  )
}

function Progress() {
  const progress = parts.value?.progress
  if (progress === undefined || progress.all === 0) return null
  const share = progress.read / progress.all
  const label = t.value.loadingMore(f.value.percent(Math.floor(share * 100) / 100))
  return (
    <div class="progress">
      <progress value={share} max={1} aria-label={label} />
      <p class="quiet">{label}</p>
    </div>
  )
}
