/** A clock that goes on while the page is in the background, where timers of the page itself are throttled. */
addEventListener('message', ({ data: intervalMs }: MessageEvent<number>) => {
  setInterval(() => postMessage(undefined), intervalMs);
});
