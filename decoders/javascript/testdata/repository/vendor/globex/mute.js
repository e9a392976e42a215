// Written for the tests of this package: it is no JavaScript.
function decodeUplink( {
