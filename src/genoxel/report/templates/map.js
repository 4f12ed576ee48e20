(function(){"use strict";
var $=function(id){return document.getElementById(id)},about=JSON.parse($("about").textContent),M=null,cur={};
function bytes(id){var s=atob($(id).textContent.trim()),n=s.length,a=new Uint8Array(n);for(var i=0;i<n;i++){a[i]=s.charCodeAt(i)}return a.buffer}
function load(k){var m=about.maps[k];if(m.ready){return m}var n=m.n;m.x=new Float64Array(new Float32Array(bytes("x"+k)));m.y=new Float64Array(new Float32Array(bytes("y"+k)));
m.z=m.nz?new Float64Array(bytes("z"+k)):null;m.side=m.nside?new Float32Array(bytes("s"+k)):null;m.cache={};m.ready=true;
m.whole=function(a,i){for(var r=0;r<n;r++){if(isNaN(a[i*n+r])){return false}}return true};
m.at={};m.rows.forEach(function(s,i){m.at["x"+s]=i});m.cols.forEach(function(s,i){m.at["y"+s]=i});return m}
function rank(v){var n=v.length,o=[],i,j,r=new Float64Array(n);for(i=0;i<n;i++){o.push(i)}o.sort(function(a,b){return v[a]-v[b]});
for(i=0;i<n;i=j){j=i;while(j<n&&v[o[j]]===v[o[i]]){j++}for(var k=i;k<j;k++){r[o[k]]=(i+j+1)/2}}return r}
function centre(v){var s=0,n=v.length,i;for(i=0;i<n;i++){s+=v[i]}s/=n;var o=new Float64Array(n);for(i=0;i<n;i++){o[i]=v[i]-s}return o}
function dot(a,b){var s=0;for(var i=0;i<a.length;i++){s+=a[i]*b[i]}return s}
function basis(keep){var q=[],n=M.n;for(var c=0;c<M.nz;c++){var v=new Float64Array(keep.length);keep.forEach(function(r,i){v[i]=M.z[c*n+r]});v=centre(v);var t=dot(v,v);
for(var pass=0;pass<2;pass++){q.forEach(function(u){var d=dot(u,v);for(var i=0;i<v.length;i++){v[i]-=d*u[i]}})}
var l=dot(v,v);if(l>1e-16*Math.max(t,1e-300)&&l>1e-20){l=Math.sqrt(l);for(var i=0;i<v.length;i++){v[i]/=l}q.push(v)}}return q}
function less(v,q){v=v.slice();q.forEach(function(u){var d=dot(u,v);for(var i=0;i<v.length;i++){v[i]-=d*u[i]}});return v}
function lgamma(x){var g=[76.18009172947146,-86.50532032941677,24.01409824083091,-1.231739572450155,.1208650973866179e-2,-.5395239384953e-5],t=x+5.5;t-=(x+.5)*Math.log(t);var s=1.000000000190015;for(var j=0;j<6;j++){s+=g[j]/(x+1+j)}return -t+Math.log(2.5066282746310005*s/x)}
function betacf(a,b,x){var t=1e-300,c=1,d=1-(a+b)*x/(a+1);if(Math.abs(d)<t){d=t}d=1/d;var h=d;for(var m=1;m<500;m++){var k=2*m,e=m*(b-m)*x/((a-1+k)*(a+k));d=1+e*d;if(Math.abs(d)<t){d=t}c=1+e/c;if(Math.abs(c)<t){c=t}d=1/d;h*=d*c;e=-(a+m)*(a+b+m)*x/((a+k)*(a+1+k));d=1+e*d;if(Math.abs(d)<t){d=t}c=1+e/c;if(Math.abs(c)<t){c=t}d=1/d;var f=d*c;h*=f;if(Math.abs(f-1)<1e-15){break}}return h}
function betainc(a,b,x){if(x<=0){return 0}if(x>=1){return 1}var f=Math.exp(lgamma(a+b)-lgamma(a)-lgamma(b)+a*Math.log(x)+b*Math.log(1-x));return x<(a+1)/(a+b+2)?f*betacf(a,b,x)/a:1-f*betacf(b,a,1-x)/b}
function tP(r,df){return df<1?NaN:betainc(df/2,.5,(1-r)*(1+r))}
function rhoP(r,n){var s=Math.min(Math.abs(r),1),p=tP(s,n-2),a=M.series[n],q=s*s;if(a){p+=Math.pow(1-q,n/2-1)*s*(a[0]+q*(a[1]+q*(a[2]+q*a[3])))}
return Math.min(1,Math.max(p,2*Math.exp(-lgamma(n+1))))}
function erfc(x){var z=Math.abs(x),t,s;if(z<2.5){s=z;t=z;for(var k=1;k<80;k++){t*=-z*z/k;s+=t/(2*k+1)}s=1-2/Math.sqrt(Math.PI)*s}else{t=0;for(var i=60;i>0;i--){t=i/2/(z+t)}s=Math.exp(-z*z)/Math.sqrt(Math.PI)/(z+t)}return x<0?2-s:s}
function exact(n1,n0){var a=Math.min(n1,n0),b=Math.max(n1,n0),key=a+","+b;if(M.cache[key]){return M.cache[key]}var size=a*b+1,rows=[],i,j,k;for(i=0;i<=a;i++){rows.push(new Float64Array(size));rows[i][0]=1}
for(j=1;j<=b;j++){for(i=1;i<=a;i++){var nw=new Float64Array(size);for(k=0;k<size;k++){nw[k]=(i*(k>=j?rows[i-1][k-j]:0)+j*rows[i][k])/(i+j)}rows[i]=nw}}
var u=rows[a].slice();for(k=size-2;k>=0;k--){u[k]+=u[k+1]}return M.cache[key]=u}
function mwP(ex,n1,n0,sq){var n=n1+n0,sp=Math.sqrt(n1*n0*sq/(n*(n-1)));if(Math.min(n1,n0)<=8&&sq>=(n*n*n-n)/12*(1-1e-9)){return Math.min(1,2*exact(n1,n0)[Math.round(Math.abs(ex)+n1*n0/2)])}return Math.min(1,erfc((Math.abs(ex)-.5)/sp/Math.SQRT2))}
var ranked={};
function column(a,tag,i,keep,all,rk){var key=tag+i+(all?"":"-");if(all&&rk&&ranked[key]){return ranked[key]}var v=new Float64Array(keep.length),n=M.n;for(var k=0;k<keep.length;k++){v[k]=a[i*n+keep[k]]}
var o=centre(rk?rank(v):v);if(all&&rk){ranked[key]=o}return o}
var everyone={};
function kept(i,j,adj){var n=M.n,o=[],r;for(r=0;r<n;r++){if(!isNaN(M.x[i*n+r])&&!isNaN(M.y[j*n+r])&&!(adj&&M.nz&&isNaN(M.z[r]))){o.push(r)}}return o}
var fullX={},fullY={},bases={};
function pair(i,j,adj){var none={n:0,e:NaN,lo:NaN,hi:NaN,p:NaN,kind:M.kind[j]};
if(M.kind[j]==="table"||M.rkind[i]==="table"){if(adj||!M.side){return none}var at=M.sideAt[i+","+j];if(at===undefined){return none}return {n:M.side[at],e:M.side[at+1],lo:M.side[at+2],hi:M.side[at+3],p:M.side[at+4],sign:M.side[at+5],kind:"table"}}
if(!(i in fullX)){fullX[i]=M.whole(M.x,i)}if(!(j in fullY)){fullY[j]=M.whole(M.y,j)}var all=fullX[i]&&fullY[j],keep,q=[];
if(all){var ek=adj?"a":"r";keep=everyone[ek]||(everyone[ek]=kept(i,j,adj))}else{keep=kept(i,j,adj)}var n=keep.length;if(n<10){return {n:n,e:NaN,lo:NaN,hi:NaN,p:NaN}}
var whole=all,tag=adj?"a":"r",rk=M.method==="spearman",x=column(M.x,"x"+tag,i,keep,whole,rk||M.kind[j]==="group"),group=M.kind[j]==="group",y=column(M.y,"y"+tag,j,keep,whole&&!group,!group&&rk);
var tx=dot(x,x),ty=dot(y,y);if(tx<=1e-9||ty<=1e-9){return {n:n,e:NaN,lo:NaN,hi:NaN,p:NaN}}
var n1=0;if(group){keep.forEach(function(r){n1+=M.y[j*M.n+r]});if(Math.min(n1,n-n1)<3){return {n:n,e:NaN,lo:NaN,hi:NaN,p:NaN}}}
if(adj&&M.nz){var bk=whole?"w":keep.join(",");q=bases[bk]||(bases[bk]=basis(keep));x=less(x,q);y=less(y,q);if(dot(x,x)<=1e-9*tx||dot(y,y)<=1e-9*ty){return {n:n,e:NaN,lo:NaN,hi:NaN,p:NaN}}}
var d=dot(x,y),sx=dot(x,x),sy=dot(y,y),r=Math.max(-1,Math.min(1,d/Math.sqrt(sx*sy))),free=n-1-q.length;
if(group){if(!adj){var ex=d,a=.5+d/(n1*(n-n1));return {n:n,e:a,lo:NaN,hi:NaN,p:mwP(ex,n1,n-n1,tx),sign:2*a-1}}
var s=Math.min(1,Math.max(0,.5+d/sy/n));return {n:n,e:s,lo:NaN,hi:NaN,p:tP(r,free-1),sign:2*s-1}}
var w=free+1,p=rk&&M.moments?rhoP(r,w):rk?Math.max(tP(r,w-2),2*Math.exp(-lgamma(w+1))):tP(r,w-2),f=n-3-q.length,lim=1-12/(n*n*n-n),inn=Math.max(-lim,Math.min(lim,r));
var h=1.959963984540054*Math.sqrt((1+(rk?inn*inn/2:0))/f),z=Math.atanh(inn);return {n:n,e:r,lo:r<-lim?-1:Math.tanh(z-h),hi:r>lim?1:Math.tanh(z+h),p:p,sign:r}}
function colour(v){if(isNaN(v)){return "#8a939c33"}var s=Math.min(1,Math.abs(v)/cur.deep),a=v<0?[0,76,119]:[143,63,0],m=v<0?[0,114,178]:[213,94,0],w=[244,244,241],c=s<.6?w.map(function(x,k){return x+(m[k]-x)*s/.6}):m.map(function(x,k){return x+(a[k]-x)*(s-.6)/.4});return "rgb("+c.map(Math.round).join(",")+")"}
function fits(list,names,text,fam,families){var words=text.toLowerCase().split(/\s+/).filter(Boolean);return list.filter(function(i){var s=names[i].toLowerCase();return(!fam||families[i]===fam)&&words.every(function(w){return s.indexOf(w)>=0})})}
function draw(){ranked=cur.adj!==$("adj").checked?{}:ranked;cur.adj=$("adj").checked;var most=200,byFamily=$("order").value==="family";
var full=M.rows.map(function(_,i){return i}),fullc=M.cols.map(function(_,i){return i}),fr=$("fr").value,fc=$("fc").value,fam=$("fam").value;
var R=fits(fr||fam?full:M.top[0],M.rows,fr,fam,M.family),C=fits(fc?fullc:M.top[1],M.cols,fc,"",M.cfamily);var cut=[R.length,C.length];R=R.slice(0,most);C=C.slice(0,most);
R.sort(function(a,b){return byFamily?(M.family[a]<M.family[b]?-1:M.family[a]>M.family[b]?1:M.place[0][a]-M.place[0][b]):M.place[0][a]-M.place[0][b]});C.sort(function(a,b){return M.place[1][a]-M.place[1][b]});
var big=0,deep=0,byP=$("by").value==="p",block=R.map(function(i){return C.map(function(j){var v=pair(i,j,cur.adj);v.s=v.sign===undefined?v.e:v.sign;if(Math.abs(v.s)>big){big=Math.abs(v.s)}v.c=byP?(v.s<0?1:-1)*Math.log10(Math.max(v.p,1e-300)):v.s;if(Math.abs(v.c)>deep){deep=Math.abs(v.c)}return v})});
cur.reach=big||1;cur.deep=deep||1;cur.R=R;cur.C=C;cur.block=block;
var cw=Math.max(3,Math.min(C.length<12?48:18,Math.floor(900/Math.max(1,C.length)))),ch=Math.max(3,Math.min(16,Math.floor(640/Math.max(1,R.length)))),canvas=$("heat"),dpr=window.devicePixelRatio||1;cur.cw=cw;cur.ch=ch;
canvas.width=C.length*cw*dpr;canvas.height=R.length*ch*dpr;canvas.style.width=C.length*cw+"px";canvas.style.height=R.length*ch+"px";var g=canvas.getContext("2d");g.scale(dpr,dpr);
var pc=cur.adj?M.cutAdjusted:M.cut,passing=0;block.forEach(function(line,a){line.forEach(function(v,b){g.fillStyle=colour(v.c);g.fillRect(b*cw,a*ch,cw,ch);if($("sig").checked&&v.p<=pc){passing++;g.fillStyle="#fff";g.strokeStyle="#1b1f24";g.beginPath();g.arc((b+.5)*cw,(a+.5)*ch,Math.max(1,Math.min(cw,ch)/5),0,7);g.fill();if(cw>5){g.stroke()}}})});
$("said").textContent=R.length+" of "+cut[0]+" rows and "+C.length+" of "+cut[1]+" columns that fit; "+(pc>0?"a dot: p at or below "+pc.toPrecision(3)+", where the false discovery rate over all pairs is "+M.q:"no pair passes a false discovery rate of "+M.q)+". Colour reaches to "+(byP?"p = "+Math.pow(10,-cur.deep).toExponential(1):cur.reach.toFixed(2))+".";volcano()}
function volcano(){var c=$("volcano"),g=c.getContext("2d"),w=c.width,h=c.height,top=1;g.clearRect(0,0,w,h);cur.block.forEach(function(l){l.forEach(function(v){if(v.p>0){top=Math.max(top,-Math.log10(v.p))}})});
var pc=cur.adj?M.cutAdjusted:M.cut;cur.dots=[];g.strokeStyle="#8a939c";g.beginPath();g.moveTo(w/2,0);g.lineTo(w/2,h);g.stroke();cur.block.forEach(function(l,a){l.forEach(function(v,b){if(isNaN(v.p)||isNaN(v.s)){return}var X=w/2+v.s/cur.reach*(w/2-8),Y=h-6+Math.log10(Math.max(v.p,1e-300))/top*(h-14);g.fillStyle=v.p<=pc?"#0072b2":"#8a939c88";g.fillRect(X-1.5,Y-1.5,3,3);cur.dots.push([X,Y,a,b])})})}
function num(v){return isNaN(v)?"–":Math.abs(v)<1e-3&&v!==0?v.toExponential(2):v.toFixed(3)}
function pstr(v){return isNaN(v)?"not tested":v<1e-3?v.toExponential(3):v.toFixed(4)}
function show(i,j){var raw=pair(i,j,false),adj=M.nz?pair(i,j,true):null,t=$("pairtext");t.textContent="";
function line(s){var p=document.createElement("p");p.textContent=s;t.appendChild(p)}
var h=document.createElement("h3");h.textContent=M.rows[i]+" and "+M.cols[j];t.appendChild(h);var w=M.effect[j];
line("Raw: "+w+" "+num(raw.e)+(isNaN(raw.lo)?"":" ("+num(raw.lo)+" to "+num(raw.hi)+")")+", p "+pstr(raw.p)+", n = "+raw.n+(raw.p<=M.cut?"; passes the false discovery rate":""));
if(adj){line("After "+M.adjusted.join(", ")+": "+w+" "+num(adj.e)+(isNaN(adj.lo)?"":" ("+num(adj.lo)+" to "+num(adj.hi)+")")+", p "+pstr(adj.p)+", n = "+adj.n+(adj.p<=M.cutAdjusted?"; passes":""))}
scatter(i,j);$("pairbox").dataset.raw=JSON.stringify([raw.n,raw.e,raw.lo,raw.hi,raw.p].map(String));if(adj){$("pairbox").dataset.adjusted=JSON.stringify([adj.n,adj.e,adj.lo,adj.hi,adj.p].map(String))}}
function scatter(i,j){var s=$("scatter"),ns="http://www.w3.org/2000/svg",keep=kept(i,j,false),n=M.n;s.textContent="";if(!keep.length){return}
var xs=keep.map(function(r){return M.y[j*n+r]}),ys=keep.map(function(r){return M.x[i*n+r]}),a=Math.min.apply(0,xs),b=Math.max.apply(0,xs),c=Math.min.apply(0,ys),d=Math.max.apply(0,ys);
function el(k,at,txt){var e=document.createElementNS(ns,k);for(var z in at){e.setAttribute(z,at[z])}if(txt!==undefined){e.textContent=txt}s.appendChild(e);return e}
var levels=M.levels[j];el("line",{x1:50,y1:270,x2:390,y2:270,stroke:"currentColor"});el("line",{x1:50,y1:10,x2:50,y2:270,stroke:"currentColor"});
var X=function(v){return b>a?(levels?120+(v-a)/(b-a)*200:70+(v-a)/(b-a)*300):220},Y=function(v){return d>c?258-(v-c)/(d-c)*236:140};
keep.forEach(function(r,k){var o=el("circle",{cx:X(xs[k])+(levels?10*Math.sin(k*2.4):0),cy:Y(ys[k]),r:3.4,fill:"none",stroke:"#0072b2","stroke-width":1.2});var ti=document.createElementNS(ns,"title");ti.textContent=M.patients[r]+": "+num(ys[k])+", "+(levels?levels[xs[k]]:num(xs[k]));o.appendChild(ti)});
if(levels){levels.forEach(function(l,k){var g=ys.filter(function(_,m){return xs[m]===k}).sort(function(p,q){return p-q});if(g.length){el("text",{x:X(k),y:286,"text-anchor":"middle"},l+" (n = "+g.length+")");var md=g[Math.floor((g.length-1)/2)]/2+g[Math.ceil((g.length-1)/2)]/2;el("line",{x1:X(k)-26,x2:X(k)+26,y1:Y(md),y2:Y(md),stroke:"#d55e00","stroke-width":2})}})}
else{el("text",{x:70,y:286},num(a));el("text",{x:370,y:286,"text-anchor":"end"},num(b))}
el("text",{x:220,y:304,"text-anchor":"middle"},M.cols[j]);el("text",{x:46,y:Y(c),"text-anchor":"end"},num(c));el("text",{x:46,y:Y(d)+4,"text-anchor":"end"},num(d))}
function choose(){var i=M.at["x"+$("row").value],j=M.at["y"+$("col").value];if(i!==undefined&&j!==undefined){show(i,j);location.replace("#"+encodeURIComponent(M.name)+"~"+encodeURIComponent(M.rows[i])+"~"+encodeURIComponent(M.cols[j]))}}
function pick(e,find){var box=e.target.getBoundingClientRect(),at=find(e.clientX-box.left,e.clientY-box.top);if(at){$("row").value=M.rows[cur.R[at[0]]];$("col").value=M.cols[cur.C[at[1]]];choose()}}
function save(name,type,text){var a=document.createElement("a");a.href=URL.createObjectURL(new Blob([text],{type:type}));a.download=name;a.click()}
function block(){var o=[["image","text",[]],["other","text",[]],["n","count",[]],["effect","number",[]],["low","number",[]],["high","number",[]],["p","number",[]]];cur.block.forEach(function(l,a){l.forEach(function(v,b){[M.rows[cur.R[a]],M.cols[cur.C[b]],v.n,v.e,v.lo,v.hi,v.p].forEach(function(one,k){o[k][2].push(one)})})});return o}
function options(id,names){var d=$(id);d.textContent="";names.slice(0,20000).forEach(function(s){var o=document.createElement("option");o.value=s;d.appendChild(o)})}
function start(k){M=load(k);ranked={};everyone={};fullX={};fullY={};bases={};$("adjbox").hidden=!M.nz;var f=$("fam");f.textContent="";[""].concat(Array.from(new Set(M.family))).forEach(function(s){var o=document.createElement("option");o.value=s;o.textContent=s||"all families";f.appendChild(o)});
$("sentence").textContent=M.sentence;draw();setTimeout(function(){options("rows",M.rows);options("cols",M.cols)},0)}
about.maps.forEach(function(m,k){var o=document.createElement("option");o.value=k;o.textContent=m.name;$("which").appendChild(o)});
$("which").addEventListener("change",function(){start(+$("which").value)});["adj","sig","order","fam","by"].forEach(function(id){$(id).addEventListener("change",draw)});
var wait;["fr","fc"].forEach(function(id){$(id).addEventListener("input",function(){clearTimeout(wait);wait=setTimeout(draw,250)})});["row","col"].forEach(function(id){$(id).addEventListener("change",choose)});
$("heat").addEventListener("click",function(e){pick(e,function(x,y){var a=Math.floor(y/cur.ch),b=Math.floor(x/cur.cw);return a<cur.R.length&&b<cur.C.length?[a,b]:null})});
$("heat").addEventListener("mousemove",function(e){var box=e.target.getBoundingClientRect(),a=Math.floor((e.clientY-box.top)/cur.ch),b=Math.floor((e.clientX-box.left)/cur.cw);if(cur.block[a]&&cur.block[a][b]){$("hover").textContent=M.rows[cur.R[a]]+" × "+M.cols[cur.C[b]]+": "+num(cur.block[a][b].e)+", p "+pstr(cur.block[a][b].p)}});
$("volcano").addEventListener("click",function(e){pick(e,function(x,y){var best=null,far=100;cur.dots.forEach(function(d){var q=(d[0]-x)*(d[0]-x)+(d[1]-y)*(d[1]-y);if(q<far){far=q;best=[d[2],d[3]]}});return best})});
$("tsv").addEventListener("click",function(){var o=block(),lines=[o.map(function(c){return c[0]}).join("\t")];o[0][2].forEach(function(_,k){lines.push(o.map(function(c){return c[2][k]}).join("\t"))});save("association_block.tsv","text/tab-separated-values",lines.join("\n")+"\n")});
$("parquet").addEventListener("click",function(){save("association_block.parquet","application/vnd.apache.parquet",parquet(block()))});
$("png").addEventListener("click",function(){$("heat").toBlob(function(b){var a=document.createElement("a");a.href=URL.createObjectURL(b);a.download="association_map.png";a.click()})});
$("svg").addEventListener("click",function(){save("pair.svg","image/svg+xml",new XMLSerializer().serializeToString($("scatter")))});
var parts=location.hash.slice(1).split("~").map(decodeURIComponent),first=Math.max(0,about.maps.findIndex(function(m){return m.name===parts[0]}));$("which").value=first;start(first);
if(parts.length===3){$("row").value=parts[1];$("col").value=parts[2];choose()}
else if(cur.block.length){var best=[1,0,0];cur.block.forEach(function(l,a){l.forEach(function(v,b){if(v.p<best[0]){best=[v.p,a,b]}})});if(best[0]<1){$("row").value=M.rows[cur.R[best[1]]];$("col").value=M.cols[cur.C[best[2]]];show(cur.R[best[1]],cur.C[best[2]])}}
document.body.dataset.drawn=Math.round(performance.now());
})();
