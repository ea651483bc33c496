// Says every so many milliseconds that they are over. A browser lets the timers of a page that nobody looks at run once a minute; a worker's it
// leaves alone.

onmessage = ({ data }: MessageEvent<number>) => setInterval(() => postMessage(0), data)
