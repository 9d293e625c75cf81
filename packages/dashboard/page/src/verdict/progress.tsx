import { f, parts, t } from '../state/state.ts'

/** Shows how much of the older lines has been read. */
export function Progress() {
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
