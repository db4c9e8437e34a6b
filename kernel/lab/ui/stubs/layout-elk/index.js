// Diagrams in Markdown are left out: they would add 168 MB to the set-up.
module.exports = {};
