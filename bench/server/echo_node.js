// The echo server on Node.js.
const net = require('node:net')

const door = net.createServer((client) => {
  client.on('error', () => {}) // a client that resets its connection
  client.pipe(client)
})
door.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(door.address().port))
