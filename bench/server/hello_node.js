// An HTTP server that says hello on Node.js.
const http = require('node:http')

const door = http.createServer((asked, answer) => {
  answer.setHeader('content-type', 'text/plain; charset=utf-8')
  answer.end('hello, world\n')
})
door.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => console.log(door.address().port))
