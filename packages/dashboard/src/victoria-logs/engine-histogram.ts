interface Bucket {
  /** Such as `1.000e+01...1.136e+01`. */
  readonly vmrange: string
  readonly hits: number
}

/**
 * Returns a percentile of what LogsQL's `histogram` counted; null without any value.
 *
 * Its buckets are 13.6 % wide, so the result is within 7 %. It takes a fraction of the time of finer ones: good enough to
 * tell what is usual.
 */
export function percentileOf(text: string, share: number): number | null {
  const buckets = bucketsIn(text)
    .map(({ vmrange, hits }) => ({ middle: middleOf(vmrange), hits }))
    .sort((a, b) => a.middle - b.middle)
  const total = buckets.reduce((sum, { hits }) => sum + hits, 0)
  const rank = Math.max(1, Math.ceil(share * total))
  let seen = 0
  for (const { middle, hits } of buckets) {
    seen += hits
    if (seen >= rank) return middle
  }
  return null
}

/** What has another form counts nothing: the figures beside it are still right. */
function bucketsIn(text: string): readonly Bucket[] {
  try {
    const buckets: unknown = JSON.parse(text)
    return Array.isArray(buckets) ? buckets.filter(isBucket) : []
  } catch {
    return []
  }
}

function isBucket(value: unknown): value is Bucket {
  const { vmrange, hits } = (value ?? {}) as Partial<Bucket>
  return typeof vmrange === 'string' && typeof hits === 'number'
}

function middleOf(range: string): number {
  const [low = 0, high = 0] = range.split('...').map(Number)
  if (!Number.isFinite(high)) return low
  return low <= 0 ? 0 : Math.sqrt(low * high)
}
