import type { Parts } from '../../../src/report/view.ts'
import { reconnect } from '../state/live.ts'
import { connection, f, isPaused, now, parts, staleMs, t } from '../state/state.ts'
import { Actions } from './actions.tsx'
import { Progress } from './progress.tsx'
import { asOf, lastingOf, remarksOf, sentenceOf, signOf, whyOf } from './sentences.ts'

/** The breaker lanes show all of them. */
const BREAKERS_NAMED_MAX = 3

/** The band at the top: what is wrong, since when, and what users notice; or what the page waits for. */
export function VerdictLine() {
  const texts = t.value
  const data = parts.value
  const isFull = connection.value === 'full'
  const isLost = (connection.value === 'lost' || isFull) && !isPaused.value
  if (data === undefined && !isLost) {
    return (
      <section class="verdict loading" aria-busy="true">
        <h2 class="headline">{texts.loading}</h2>
      </section>
    )
  }
  return (
    <>
      {isLost && (
        <section class="verdict lost" role="alert">
          <Headline sign={signOf('lost')}>{isFull ? texts.fullTitle : texts.lostTitle}</Headline>
          <p>
            {isFull ? texts.fullText : texts.lostText}
            {data !== undefined && ` ${texts.lastMessage(f.value.clock(now.value))}`}
          </p>
          <p class="actions">
            <button type="button" onClick={reconnect}>
              {texts.tryNow}
            </button>
          </p>
        </section>
      )}
      {data !== undefined && <Band data={data} isOld={isLost || isPaused.value} />}
      <Progress />
    </>
  )
}

/** `isOld`: the page does not follow the state, so the band must not have its colour. */
function Band({ data, isOld }: { readonly data: Parts; readonly isOld: boolean }) {
  const texts = t.value
  const { health } = data
  const label = isPaused.value ? texts.pausedAt(f.value.clock(now.value)) : texts.lastKnownState
  const moment = asOf(health, texts, f.value, now.value)
  return (
    <section class={`verdict ${health.state} ${isOld ? 'old' : ''}`} aria-live="polite">
      {isOld && <p class="old-label">{label}</p>}
      {moment !== '' && <p class="as-of">{moment}</p>}
      {health.state === 'waiting' ? <Waiting data={data} /> : <Sentence data={data} />}
    </section>
  )
}

function Sentence({ data }: { readonly data: Parts }) {
  const texts = t.value
  const format = f.value
  const { health, lanes, progress, range } = data
  const open = ['open', 'half-open'].flatMap((wanted) => lanes.filter(({ state }) => state === wanted))
  return (
    <>
      <Headline sign={signOf(health.state)}>
        {sentenceOf(health, texts, format, now.value)}
        {open.slice(0, BREAKERS_NAMED_MAX).map(({ service, shield, policy, state }) => (
          <span key={`${service}/${shield}/${policy}`}>
            {' '}
            {(state === 'half-open' ? texts.breakerHalfOpen : texts.breakerOpen)(shield || policy, service)}
          </span>
        ))}
      </Headline>
      {/* It changes every second, and must not be read out each time. */}
      <p class="effect" aria-live="off">
        {[lastingOf(health, texts, format, now.value), ...remarksOf(health, texts, format)]
          .filter((text) => text !== '')
          .join(' ')}
        {progress.newest !== null &&
          !range.isNow &&
          health.as_of === null &&
          ` ${texts.past(format.day(progress.newest))}`}
        {staleMs.value !== undefined && progress.newest !== null && (
          <strong class="stale"> {texts.stale(format.rough(staleMs.value), format.clock(progress.newest))}</strong>
        )}
      </p>
      <Actions data={data} />
    </>
  )
}

function Waiting({ data }: { readonly data: Parts }) {
  const texts = t.value
  const { waiting } = data.health
  return (
    <>
      <Headline sign={signOf('waiting')}>{texts.waitingTitle}</Headline>
      {waiting !== undefined && <p>{whyOf(waiting, texts, f.value)}</p>}
      <Actions data={data} />
    </>
  )
}

function Headline({ sign, children }: { readonly sign: string; readonly children: preact.ComponentChildren }) {
  return (
    <h2 class="headline">
      <span class="sign" aria-hidden="true">
        {sign}
      </span>{' '}
      {children}
    </h2>
  )
}
