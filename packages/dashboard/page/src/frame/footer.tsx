import { f, parts, t } from '../state/state.ts'

/** Shows how many lines were read, and how many of them could not be used. The sources say which. */
export function Footer() {
  const data = parts.value
  if (data === undefined) return null
  const texts = t.value
  const { lines } = data.summary
  const { restarts } = data.sources
  const counts = [
    texts.linesRead(f.value.count(lines.read)),
    texts.malformed(f.value.count(lines.malformed)),
    texts.late(f.value.count(lines.late)),
    ...(lines.ahead > 0 ? [texts.aheadLines(f.value.count(lines.ahead))] : []),
    ...(lines.untimed > 0 ? [texts.untimed(f.value.count(lines.untimed))] : []),
    ...(restarts > 0 ? [texts.restarts(f.value.count(restarts))] : []),
  ]
  return (
    <footer>
      <p>
        {texts.whatWasRead}: <span id="lines">{counts.join(' · ')}</span>
      </p>
      {data.progress.localTimes && <p>{texts.localTimes}</p>}
    </footer>
  )
}
