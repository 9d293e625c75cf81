import { connection, f, isPaused, now, parts, t } from '../state/state.ts'
import { remarksOf, sentenceOf, signOf, whyOf } from './sentences.ts'

const STALE_MS = 10_000
/** The breaker lanes show all of them. */
const BREAKERS_NAMED_MAX = 3

/** Shows the verdict of the server: what is wrong, where, since when, and the effect; or what the page waits for. */
export function VerdictLine() {
  const texts = t.value
  const data = parts.value
  if (data === undefined) {
    if (connection.value === 'full') return <State name="lost" title={texts.fullTitle} text={texts.fullText} />
    if (connection.value === 'lost') return <State name="lost" title={texts.lostTitle} text={texts.lostText} />
    return (
      <section class="verdict loading" aria-busy="true">
        <p class="headline">{texts.loading}</p>
      </section>
    )
  }
  return (
    <>
      {connection.value === 'lost' && !isPaused.value && (
        <State name="lost" title={texts.lostTitle} text={texts.lostText} />
      )}
      {connection.value === 'full' && !isPaused.value && (
        <State name="lost" title={texts.fullTitle} text={texts.fullText} />
      )}
      {data.health.state === 'waiting' ? <Waiting /> : <VerdictText />}
      <Progress />
    </>
  )
}

function VerdictText() {
  const data = parts.value
  if (data === undefined) return null
  const texts = t.value
  const format = f.value
  const { health, lanes, progress, range } = data
  const open = lanes.filter(({ state }) => state === 'open' || state === 'half-open')
  const isStale = progress.newest !== null && range.isNow && now.value - progress.newest > STALE_MS
  return (
    <section class={`verdict ${health.state}`}>
      <p class="headline">
        <span class="sign" aria-hidden="true">
          {signOf(health)}
        </span>{' '}
        {sentenceOf(health, texts, format, now.value)}
        {open.slice(0, BREAKERS_NAMED_MAX).map(({ service, shield, policy, state }) => (
          <span key={`${service}/${shield}/${policy}`}>
            {' '}
            {(state === 'half-open' ? texts.breakerHalfOpen : texts.breakerOpen)(shield || policy, service)}
          </span>
        ))}
      </p>
      <p class="quiet">
        {remarksOf(health, texts, format, now.value).join(' ')}
        {progress.newest !== null && !range.isNow && ` ${texts.past(format.day(progress.newest))}`}
        {isStale && progress.newest !== null && (
          <span class="stale">
            {' '}
            {texts.stale(format.rough(now.value - progress.newest), format.clock(progress.newest))}
          </span>
        )}
      </p>
    </section>
  )
}

function Waiting() {
  const texts = t.value
  const data = parts.value
  const files = data?.summary.files ?? []
  const missing = files.filter(({ state }) => state === 'waiting')
  const unreadable = files.filter(({ state }) => state === 'unreadable')
  const why = data?.health.waiting
  return (
    <section class="verdict waiting">
      <p class="headline">
        <span class="sign" aria-hidden="true">
          ○
        </span>{' '}
        {texts.waitingTitle}
      </p>
      {why !== undefined && <p>{whyOf(why, texts, f.value)}</p>}
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
