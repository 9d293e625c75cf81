import { RANGES } from '../../../src/report/ranges.ts'
import {
  chooseTheme,
  connection,
  f,
  isDark,
  isHelpOpen,
  isPaused,
  language,
  parts,
  remember,
  seconds,
  t,
} from '../state/state.ts'

/** Shows the number of services, the range and the connection, with the controls of the page. */
export function Header() {
  const texts = t.value
  const data = parts.value
  const other = language.value === 'es' ? 'en' : 'es'
  return (
    <header>
      <h1>
        escudo <span class="quiet">{texts.title}</span>
      </h1>
      {data !== undefined && (
        <p class="quiet watched">
          {texts.services(f.value.count(data.health.services.length))}
          {' · '}
          {texts.linesRead(f.value.count(data.summary.lines.read))}
        </p>
      )}
      <div class="controls">
        <label>
          <span class="quiet">{texts.range}</span>{' '}
          <select
            value={String(seconds.value)}
            onChange={(event) => {
              seconds.value = Number(event.currentTarget.value)
              remember('range', event.currentTarget.value)
            }}
          >
            {[...RANGES.keys()].map((range) => (
              <option key={range} value={String(range)} selected={range === seconds.value}>
                {texts.ranges[range]}
              </option>
            ))}
          </select>
        </label>
        <Live />
        <button
          type="button"
          lang={other}
          onClick={() => {
            language.value = other
            remember('lang', other)
          }}
        >
          {texts.otherLanguage}
        </button>
        <button
          type="button"
          aria-label={texts.theme}
          title={texts.theme}
          onClick={() => chooseTheme(isDark() ? 'light' : 'dark')}
        >
          ◐
        </button>
        <button type="button" aria-label={texts.help} title={texts.help} onClick={() => (isHelpOpen.value = true)}>
          ?
        </button>
      </div>
    </header>
  )
}

function Live() {
  const texts = t.value
  const state = isPaused.value ? 'paused' : connection.value
  const sign = { live: '●', paused: '‖', connecting: '○', lost: '✕', full: '✕' }[state]
  const action = isPaused.value ? texts.resume : texts.pause
  return (
    <>
      <span class={`live ${state}`} role="status">
        <span aria-hidden="true">{sign}</span> {texts[state]}
      </span>
      <button type="button" onClick={() => (isPaused.value = !isPaused.value)}>
        {action}
      </button>
    </>
  )
}
