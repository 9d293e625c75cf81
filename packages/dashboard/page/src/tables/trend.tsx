const HEIGHT = 20
const STEP = 4

interface TrendProps {
  readonly requests: readonly number[]
  readonly failed: readonly number[]
}

/** Bars of requests over the range, with the failed ones at the bottom. */
export function Trend({ requests, failed }: TrendProps) {
  const highest = Math.max(1, ...requests)
  const heightOf = (value: number): number => (value === 0 ? 0 : Math.max(1.5, (value / highest) * HEIGHT))
  return (
    <svg
      class="trend"
      viewBox={`0 0 ${requests.length * STEP} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {requests.map((value, at) => (
        <rect key={at} x={at * STEP} y={HEIGHT - heightOf(value)} width={STEP - 1} height={heightOf(value)} />
      ))}
      {failed.map((value, at) => (
        <rect
          key={at}
          class="failed"
          x={at * STEP}
          y={HEIGHT - heightOf(value)}
          width={STEP - 1}
          height={heightOf(value)}
        />
      ))}
    </svg>
  )
}
