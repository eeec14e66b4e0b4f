// What packages of 2011 expect of node, and node has no longer: required before them.

const { Hash } = require('node:crypto');
const EventEmitter = require('node:events');

process.EventEmitter = EventEmitter;

// A string was hashed as its bytes, and is hashed as UTF-8 since node 6.
const { update } = Hash.prototype;
Hash.prototype.update = function (data, encoding = 'latin1') {
  return update.call(this, data, encoding);
};

// They call `new Buffer(…)`.
process.noDeprecation = true;
