(function(){"use strict";
function open(){var id=decodeURIComponent(location.hash.slice(1)),e=id&&document.getElementById(id);if(!e){return}
for(var p=e;p;p=p.parentElement){if(p.tagName==="DETAILS"){p.open=true}}e.scrollIntoView({block:"center"})}
addEventListener("hashchange",open);open();
var shut=[];
addEventListener("beforeprint",function(){shut=[].slice.call(document.querySelectorAll("details:not([open])"));shut.forEach(function(d){d.open=true})});
addEventListener("afterprint",function(){shut.forEach(function(d){d.open=false})});
[].forEach.call(document.querySelectorAll("button[data-copy]"),function(b){b.hidden=false;b.addEventListener("click",function(){
var t=document.getElementById(b.dataset.copy).textContent,done=function(){var was=b.textContent;b.textContent="Copied";setTimeout(function(){b.textContent=was},1500)};
if(navigator.clipboard){navigator.clipboard.writeText(t).then(done,function(){})}})});
})();
