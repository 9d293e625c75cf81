/** The first line of each script: the instant, in whole microseconds of Redis' clock. Tests replace it. */
export const NOW = `local time = redis.call('TIME') local now = time[1] * 1000000 + time[2]`
