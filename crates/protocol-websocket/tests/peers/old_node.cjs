// Restores functions of node that packages of 2011 need. Load this file before them.

const { Hash } = require('node:crypto');
const EventEmitter = require('node:events');

process.EventEmitter = EventEmitter;

// Strings were hashed as Latin-1 before node 6, and are hashed as UTF-8 since.
const { update } = Hash.prototype;
Hash.prototype.update = function (data, encoding = 'latin1') {
  return update.call(this, data, encoding);
};

// The packages call `new Buffer(…)`.
process.noDeprecation = true;
