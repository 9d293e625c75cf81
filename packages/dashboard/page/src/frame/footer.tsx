import { f, parts, t } from '../state/state.ts'

/** Shows how many lines were read, how many could not be used, and the files. */
export function Footer() {
  const data = parts.value
  if (data === undefined) return null
  const texts = t.value
  const { lines, files } = data.summary
  const restarts = files.reduce((sum, file) => sum + file.restarts, 0)
  const counts = [
    texts.linesRead(f.value.count(lines.read)),
    texts.malformed(f.value.count(lines.malformed)),
    texts.late(f.value.count(lines.late)),
    ...(lines.untimed > 0 ? [texts.untimed(f.value.count(lines.untimed))] : []),
    ...(restarts > 0 ? [texts.restarts(f.value.count(restarts))] : []),
  ]
  return (
    <footer>
      <p>
        {texts.whatWasRead}: <span id="lines">{counts.join(' · ')}</span>
      </p>
      {data.progress.localTimes && <p>{texts.localTimes}</p>}
      <p class="paths">
        {files.map(({ path, state }) => (
          <span key={path}>
            <code>{path}</code>
            {state === 'reading' || state === 'read'
              ? ''
              : `(${state === 'waiting' ? texts.isMissing : texts.isUnreadable}) `}
          </span>
        ))}
      </p>
    </footer>
  )
}
