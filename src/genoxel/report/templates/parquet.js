// One Parquet file of whole columns: one row group, one plain page a column, nothing missing but NaN.
// columns: [name, kind, values] with kind "text", "count" or "number".
function parquet(columns){
var KINDS={count:1,number:5,text:6},INT=5,LONG=6,BINARY=8,LIST=9,STRUCT=12,utf=new TextEncoder();
function grow(n){return{bytes:new Uint8Array(n||4096),at:0}}
function room(o,n){if(o.at+n>o.bytes.length){var b=new Uint8Array(2*(o.at+n));b.set(o.bytes.subarray(0,o.at));o.bytes=b}}
function byte(o,b){room(o,1);o.bytes[o.at++]=b}
function raw(o,b){room(o,b.length);o.bytes.set(b,o.at);o.at+=b.length}
function varint(o,v){while(v>127){byte(o,v%128+128);v=Math.floor(v/128)}byte(o,v)}
// thrift compact protocol: a struct is a list of [field, type, value]
function put(o,type,v){if(type===INT||type===LONG){varint(o,2*v)}else if(type===BINARY){var b=utf.encode(v);varint(o,b.length);raw(o,b)}else if(type===LIST){var k=v[0],l=v[1];if(l.length<15){byte(o,l.length*16+k)}else{byte(o,240+k);varint(o,l.length)}l.forEach(function(one){put(o,k,one)})}else{struct(o,v)}}
function struct(o,fields){var last=0;fields.forEach(function(f){byte(o,(f[0]-last)*16+f[1]);last=f[0];put(o,f[1],f[2])});byte(o,0)}
function plain(kind,values){var o=grow(8*values.length+16);values.forEach(function(v){if(kind==="text"){var b=utf.encode(v),n=b.length;room(o,n+4);new DataView(o.bytes.buffer).setUint32(o.at,n,true);o.at+=4;raw(o,b)}else{var w=kind==="count"?4:8;room(o,w);var d=new DataView(o.bytes.buffer);if(w===4){d.setInt32(o.at,v,true)}else{d.setFloat64(o.at,v,true)}o.at+=w}});return o.bytes.subarray(0,o.at)}
var out=grow(1<<16),rows=columns.length?columns[0][2].length:0,chunks=[],schema=[[[4,BINARY,"schema"],[5,INT,columns.length]]];
raw(out,utf.encode("PAR1"));
columns.forEach(function(c){var kind=KINDS[c[1]],data=plain(c[1],c[2]),begin=out.at;
struct(out,[[1,INT,0],[2,INT,data.length],[3,INT,data.length],[5,STRUCT,[[1,INT,rows],[2,INT,0],[3,INT,3],[4,INT,3]]]]);raw(out,data);
var size=out.at-begin,meta=[[1,INT,kind],[2,LIST,[INT,[0]]],[3,LIST,[BINARY,[c[0]]]],[4,INT,0],[5,LONG,rows],[6,LONG,size],[7,LONG,size],[9,LONG,begin]];
chunks.push([[2,LONG,begin],[3,STRUCT,meta]]);schema.push([[1,INT,kind],[3,INT,0],[4,BINARY,c[0]]].concat(kind===6?[[6,INT,0]]:[]))});
var whole=out.at-4,begin=out.at;
struct(out,[[1,INT,1],[2,LIST,[STRUCT,schema]],[3,LONG,rows],[4,LIST,[STRUCT,[[[1,LIST,[STRUCT,chunks]],[2,LONG,whole],[3,LONG,rows]]]]],[6,BINARY,"genoxel"]]);
var foot=out.at-begin;room(out,8);new DataView(out.bytes.buffer).setUint32(out.at,foot,true);out.at+=4;raw(out,utf.encode("PAR1"));
return out.bytes.subarray(0,out.at)}
